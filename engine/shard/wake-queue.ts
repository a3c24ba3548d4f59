import type { Clock } from '../model/clock.ts';
import { type Address, keyOf } from '../model/envelope.ts';
import type { Wake } from '../storage/port.ts';

/** How far ahead deadlines are held in memory; the store holds the rest. */
const HORIZON_MS = 10 * 60_000;
/** How often the next stretch is read from the store. */
const REFILL_MS = HORIZON_MS / 2;
const PAGE = 2_000;

export interface WakeQueueOptions {
  clock: Clock;
  dueWakes: (until: number, limit: number, after: Wake | null) => Promise<Wake[]>;
  /** Puts a twin whose deadline has come before its shard; resolves when the shard has room for more. */
  wake: (address: Address) => Promise<void>;
  onError: (error: unknown) => void;
}

/**
 * The near future in memory: which twin to wake when. It may forget everything at any time; the
 * twins' stored bounds are the truth, and a wake that comes too early does no harm.
 */
export class WakeQueue implements AsyncDisposable {
  readonly #options: WakeQueueOptions;
  /** Earliest known deadline per twin. */
  #wakes = new Map<string, { at: number; address: Address }>();
  /** Binary heap by time; an entry that is not its twin's current one is passed over. */
  #heap: { at: number; key: string }[] = [];
  #alarm: (Disposable & { at: number }) | null = null;
  #refillAlarm: Disposable | null = null;
  #horizon = 0;
  #refilling: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: WakeQueueOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#wakes.size;
  }

  /** Reads the first stretch. Overdue twins are woken page by page, as their shards take them. */
  async start(): Promise<void> {
    await this.#refill();
  }

  /** Learns a twin's deadline after its commit. */
  note(address: Address, wakeAt: number | null): void {
    if (wakeAt === null || wakeAt > this.#horizon || this.#closed) return;
    const key = keyOf(address);
    const known = this.#wakes.get(key);
    if (known && known.at <= wakeAt) return;
    this.#wakes.set(key, { at: wakeAt, address });
    this.#pushHeap({ at: wakeAt, key });
    this.#setAlarm();
  }

  /** Resolves when no stretch is being read. */
  async idle(): Promise<void> {
    await this.#refilling;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#alarm?.[Symbol.dispose]();
    this.#refillAlarm?.[Symbol.dispose]();
    await this.#refilling;
  }

  #refill(): Promise<void> {
    this.#refilling = this.#readStretch().catch((error) => this.#options.onError(error));
    return this.#refilling.then(() => {
      if (this.#closed) return;
      const { clock } = this.#options;
      this.#refillAlarm = clock.schedule(clock.now() + REFILL_MS, () => void this.#refill());
    });
  }

  async #readStretch(): Promise<void> {
    const { clock, dueWakes, wake } = this.#options;
    const until = clock.now() + HORIZON_MS;
    // From here on commits note their own deadlines up to the new horizon, so none falls between
    this.#horizon = until;
    let after: Wake | null = null;
    while (!this.#closed) {
      const page: Wake[] = await dueWakes(until, PAGE, after);
      for (const due of page) {
        if (due.wakeAt === null) continue;
        if (due.wakeAt <= clock.now()) await wake({ home: due.home, twin: due.twin });
        else this.note({ home: due.home, twin: due.twin }, due.wakeAt);
      }
      if (page.length < PAGE) return;
      after = page.at(-1) ?? null;
    }
  }

  #ring(): void {
    const now = this.#options.clock.now();
    for (let top = this.#heap[0]; top && top.at <= now; top = this.#heap[0]) {
      this.#popHeap();
      const current = this.#wakes.get(top.key);
      if (!current || current.at !== top.at) continue;
      this.#wakes.delete(top.key);
      this.#options.wake(current.address).catch(this.#options.onError);
    }
    this.#setAlarm();
  }

  #setAlarm(): void {
    const top = this.#heap[0];
    if (!top || this.#closed) return;
    if (this.#alarm && this.#alarm.at <= top.at) return;
    this.#alarm?.[Symbol.dispose]();
    const alarm = this.#options.clock.schedule(top.at, () => {
      this.#alarm = null;
      this.#ring();
    });
    this.#alarm = Object.assign(alarm, { at: top.at });
  }

  #pushHeap(entry: { at: number; key: string }): void {
    const heap = this.#heap;
    let index = heap.push(entry) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent] as { at: number; key: string };
      if (above.at <= entry.at) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = entry;
  }

  #popHeap(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (!last || heap.length === 0) return;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      const left = heap[child];
      if (!left) break;
      const right = heap[child + 1];
      if (right && right.at < left.at) child++;
      const smaller = heap[child] as { at: number; key: string };
      if (smaller.at >= last.at) break;
      heap[index] = smaller;
      index = child;
    }
    heap[index] = last;
  }
}
