export interface GenerationCacheOptions {
  /** The name of the cache, for tests that want each cache to be proved. */
  name: string;
  clock: { now(): number };
  /** Entries; when there are more, all are forgotten. */
  most: number;
}

interface Entry<V> {
  value: V;
  until: number;
}

/** A read that is under way; whatever changes its key meanwhile marks it. */
interface Read {
  isOutdated: boolean;
}

/** A change whose end nobody has heard of must not be served for longer than this. */
const LONGEST_MS = 60_000;

/**
 * What has been read from the store and is needed with each request. A read that began before a change does not
 * fill the cache after it: it is repeated. Whoever changes a row calls {@link forget} once that is committed.
 */
export class GenerationCache<K, V> {
  readonly name: string;
  readonly #options: GenerationCacheOptions;
  #entries = new Map<K, Entry<V>>();
  #reads = new Map<K, Set<Read>>();

  constructor(options: GenerationCacheOptions) {
    this.name = options.name;
    this.#options = options;
  }

  /** How many are remembered. */
  get size(): number {
    return this.#entries.size;
  }

  /**
   * @param read called when it is not remembered, and again when it has changed under way; null is not remembered,
   * as strangers could fill the cache with it
   */
  async get<R extends V | null>(key: K, read: () => Promise<R>): Promise<V | R> {
    for (;;) {
      const known = this.#entries.get(key);
      if (known && known.until > this.#options.clock.now()) return known.value;
      const reading: Read = { isOutdated: false };
      this.#begin(key, reading);
      let value: R;
      try {
        value = await read();
      } finally {
        this.#end(key, reading);
      }
      if (reading.isOutdated) continue;
      if (value !== null) this.#keep(key, value);
      return value;
    }
  }

  forget(key: K): void {
    this.#entries.delete(key);
    for (const read of this.#reads.get(key) ?? []) read.isOutdated = true;
  }

  /** Forgets those of which it is true, and doubts every read that is under way. */
  forgetWhere(isConcerned: (value: V) => boolean): void {
    for (const [key, { value }] of this.#entries) {
      if (isConcerned(value)) this.#entries.delete(key);
    }
    for (const reads of this.#reads.values()) for (const read of reads) read.isOutdated = true;
  }

  forgetAll(): void {
    this.forgetWhere(() => true);
  }

  #begin(key: K, read: Read): void {
    const reads = this.#reads.get(key) ?? new Set();
    this.#reads.set(key, reads.add(read));
  }

  #end(key: K, read: Read): void {
    const reads = this.#reads.get(key);
    reads?.delete(read);
    if (reads?.size === 0) this.#reads.delete(key);
  }

  #keep(key: K, value: V): void {
    const { clock, most } = this.#options;
    if (this.#entries.size >= most) this.#entries.clear();
    this.#entries.set(key, { value, until: clock.now() + LONGEST_MS });
  }
}
