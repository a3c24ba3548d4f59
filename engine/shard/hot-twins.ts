import { type Address, keyOf } from '../model/envelope.ts';
import type { LiveTwin } from '../turn/live-twin.ts';

/** The twins of a shard that are in memory, at most `limit`, least recently needed first to go. All else is in the store. */
export class HotTwins {
  // A Map keeps insertion order; moving a key to the end on use makes it an LRU
  #twins = new Map<string, LiveTwin>();
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#twins.size;
  }

  get(key: string): LiveTwin | undefined {
    const twin = this.#twins.get(key);
    if (twin) {
      this.#twins.delete(key);
      this.#twins.set(key, twin);
    }
    return twin;
  }

  /** Only what has been committed may come in here. */
  put(twin: LiveTwin): void {
    const key = keyOf(twin);
    this.#twins.delete(key);
    this.#twins.set(key, twin);
    if (this.#twins.size <= this.#limit) return;
    for (const oldest of this.#twins.keys()) {
      this.#twins.delete(oldest);
      break;
    }
  }

  drop(address: Address): void {
    this.#twins.delete(keyOf(address));
  }

  dropHome(home: string): void {
    for (const [key, twin] of this.#twins) if (twin.home === home) this.#twins.delete(key);
  }
}
