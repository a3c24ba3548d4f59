import type { GapReason, HomeChange, PlacedChange, Subscription } from './change.ts';
import { ChangeBuffer } from './change-buffer.ts';
import { type ChangePosition, positionAfter } from './change-position.ts';
import { Subscriber } from './subscriber.ts';

export interface ChangeFeedOptions {
  /** Epoch ms. */
  now: () => number;
  epoch: () => number;
  /** Runs at a moment at which no commit of the home is under way, with the last position that was taken. */
  settle: (home: string, run: (seq: number) => void) => Promise<void>;
  /** What the log has of a home after a position, at least up to what was committed before the call. */
  read: (home: string, after: ChangePosition) => Promise<PlacedChange[] | GapReason>;
}

/** Changes that are remembered, of all homes. */
const MEMORY_LIMIT = 20_000;
/** For how long after the last stream of a home has gone. */
const MEMORY_MS = 2 * 60_000;
/** Streams that wait for the log to be read. */
const READS_LIMIT = 100;

/** Who listens to committed changes. A slow listener loses changes, is told so, and holds up nobody. */
export class ChangeFeed {
  readonly #options: ChangeFeedOptions;
  readonly #memoryLimit: number;
  #subscribers = new Set<Subscriber>();
  /** Of those, how many follow all homes. */
  #everywhere = 0;
  #homes = new Map<string, ChangeBuffer>();
  #remembered = 0;
  #reads = 0;
  #reading: Promise<unknown> = Promise.resolve();

  constructor(options: ChangeFeedOptions, memoryLimit = MEMORY_LIMIT) {
    this.#options = options;
    this.#memoryLimit = memoryLimit;
  }

  /** Follows all homes. @param matches which changes the subscriber wants; that it has lagged always reaches it */
  subscribe(matches: (change: HomeChange) => boolean): Subscription {
    this.#everywhere++;
    const subscriber = new Subscriber(matches, () => {
      if (this.#subscribers.delete(subscriber)) this.#everywhere--;
    });
    this.#subscribers.add(subscriber);
    return subscriber;
  }

  /**
   * Follows a home, from now on or from a position on.
   * @param matches which changes of the home the subscriber wants
   */
  follow(
    home: string,
    matches: (change: HomeChange) => boolean,
    from: ChangePosition | null = null,
  ): Subscription {
    this.#forgetIdle();
    const memory = this.#homes.get(home) ?? this.#begin(home);
    memory.holders++;
    const subscriber = new Subscriber(
      matches,
      () => {
        if (!this.#subscribers.delete(subscriber)) return;
        memory.holders--;
        memory.leftAt = this.#options.now();
      },
      { home, memory, from, recall: (position) => this.#recall(home, memory, position) },
    );
    this.#subscribers.add(subscriber);
    return subscriber;
  }

  /** Whether anything is followed, or was of late. */
  get isInUse(): boolean {
    this.#forgetIdle();
    return this.#everywhere > 0 || this.#homes.size > 0;
  }

  /** Whether building changes of this home is worth the work. */
  isFollowed(home: string): boolean {
    if (this.#everywhere > 0) return true;
    const memory = this.#homes.get(home);
    return memory !== undefined && !this.#isIdle(memory);
  }

  get subscribers(): number {
    return this.#subscribers.size;
  }

  publish(change: HomeChange): void {
    const memory = this.#homes.get(change.home);
    const placed = memory ? this.#remember(memory, change) : change;
    for (const subscriber of this.#subscribers) subscriber.offer(placed);
  }

  /** The home has been removed: positions of it lead nowhere. */
  forget(home: string): void {
    const memory = this.#homes.get(home);
    if (!memory) return;
    this.#remembered -= memory.size;
    memory.clear();
  }

  /** Ends every subscription. */
  close(): void {
    for (const subscriber of [...this.#subscribers]) subscriber[Symbol.dispose]();
  }

  #begin(home: string): ChangeBuffer {
    const memory = new ChangeBuffer();
    this.#homes.set(home, memory);
    const mark = (seq: number) => {
      memory.mark(positionAfter(this.#options.epoch(), seq));
      for (const subscriber of this.#subscribers) {
        if (subscriber.home === home) subscriber.reach(memory.last);
      }
    };
    // An engine that stops runs nothing any more, and ends its streams
    this.#options.settle(home, mark).catch(() => this.#homes.delete(home));
    return memory;
  }

  #remember(memory: ChangeBuffer, change: HomeChange): HomeChange {
    const before = memory.size;
    const placed = memory.add(change) ?? change;
    this.#grown(memory.size - before);
    return placed;
  }

  /** The home that has most gives way: a flood in one does not make the others forget. */
  #grown(by: number): void {
    this.#remembered += by;
    while (this.#remembered > this.#memoryLimit) {
      const [first, ...others] = this.#homes.values();
      if (!first) return;
      const largest = others.reduce((most, one) => (one.size > most.size ? one : most), first);
      const { size } = largest;
      largest.trim();
      this.#remembered += largest.size - size;
    }
  }

  #isIdle({ holders, leftAt }: ChangeBuffer): boolean {
    return holders === 0 && this.#options.now() - leftAt > MEMORY_MS;
  }

  #forgetIdle(): void {
    for (const [home, memory] of this.#homes) {
      if (!this.#isIdle(memory)) continue;
      this.#homes.delete(home);
      this.#remembered -= memory.size;
    }
  }

  /** Has the log put into memory what comes after a position: one at a time, as reading and folding it takes a while. */
  async #recall(
    home: string,
    memory: ChangeBuffer,
    position: ChangePosition,
  ): Promise<GapReason | null> {
    if (this.#reads >= READS_LIMIT) return 'busy';
    this.#reads++;
    const reading = this.#reading.then(async () => {
      // Another stream of the home may have had it read
      if (memory.covers(position)) return null;
      const past = await this.#options.read(home, position);
      if (typeof past === 'string') return past;
      const before = memory.size;
      if (!memory.prepend(position, past)) return 'too-slow';
      if (this.#homes.get(home) === memory) this.#grown(memory.size - before);
      return null;
    });
    // Who has asked is told; the next one has its turn either way
    this.#reading = reading.catch(() => {});
    try {
      return await reading;
    } finally {
      this.#reads--;
    }
  }
}
