import type { GapReason, HomeChange, PlacedChange, Subscription } from './change.ts';
import { ChangeBuffer } from './change-buffer.ts';
import { type ChangePosition, positionAfter } from './change-position.ts';
import { ReadingLine } from './reading-line.ts';
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
/** How long changes are remembered after the last stream of a home has ended. */
const MEMORY_MS = 2 * 60_000;

/** A home that is followed, or was of late. */
interface FollowedHome {
  memory: ChangeBuffer;
  followers: Set<Subscriber>;
}

/** Who listens to committed changes. A slow listener loses changes, is told so, and holds up nobody. */
export class ChangeFeed {
  readonly #options: ChangeFeedOptions;
  readonly #memoryLimit: number;
  #subscribers = new Set<Subscriber>();
  /** The subscribers that follow all homes. */
  #everywhere = new Set<Subscriber>();
  #homes = new Map<string, FollowedHome>();
  /** When the last stream of a home went, the one that did so first before the others. */
  #idle = new Map<string, number>();
  #remembered = 0;
  readonly #line = new ReadingLine();

  constructor(options: ChangeFeedOptions, memoryLimit = MEMORY_LIMIT) {
    this.#options = options;
    this.#memoryLimit = memoryLimit;
  }

  /** Follows all homes. @param matches which changes the subscriber wants; that it has lagged always reaches it */
  subscribe(matches: (change: HomeChange) => boolean): Subscription {
    const subscriber = new Subscriber(matches, () => {
      this.#subscribers.delete(subscriber);
      this.#everywhere.delete(subscriber);
    });
    this.#subscribers.add(subscriber);
    this.#everywhere.add(subscriber);
    return subscriber;
  }

  /**
   * Follows a home, from now on or from a position on.
   * @param matches which changes of the home the subscriber wants
   * @param account who waits for their own other streams where the log has to be read
   */
  follow(
    home: string,
    matches: (change: HomeChange) => boolean,
    from: ChangePosition | null = null,
    account = home,
  ): Subscription {
    this.#forgetIdle();
    const { memory, followers } = this.#homes.get(home) ?? this.#begin(home);
    this.#idle.delete(home);
    const subscriber = new Subscriber(
      matches,
      () => {
        this.#subscribers.delete(subscriber);
        if (!followers.delete(subscriber) || followers.size > 0) return;
        if (this.#homes.get(home)?.memory === memory) this.#idle.set(home, this.#options.now());
      },
      {
        ...{ memory, from },
        recall: (position, ended) => {
          if (!this.#line.hasRoom(account)) return Promise.resolve('busy');
          return this.#line.read(account, () => this.#recall(home, memory, position), ended);
        },
      },
    );
    this.#subscribers.add(subscriber);
    followers.add(subscriber);
    return subscriber;
  }

  /** Whether anything is followed, or was of late. */
  get isInUse(): boolean {
    this.#forgetIdle();
    return this.#everywhere.size > 0 || this.#homes.size > 0;
  }

  /** Whether building changes of this home is worth the work. */
  isFollowed(home: string): boolean {
    this.#forgetIdle();
    return this.#everywhere.size > 0 || this.#homes.has(home);
  }

  get subscribers(): number {
    return this.#subscribers.size;
  }

  publish(change: HomeChange): void {
    const home = this.#homes.get(change.home);
    const placed = home ? this.#remember(home.memory, change) : change;
    for (const subscriber of this.#everywhere) subscriber.offer(placed);
    if (home) for (const subscriber of home.followers) subscriber.offer(placed);
  }

  /** The home has been removed: positions of it lead nowhere. */
  forget(home: string): void {
    const memory = this.#homes.get(home)?.memory;
    if (!memory) return;
    this.#remembered -= memory.size;
    memory.clear();
  }

  /** Ends every subscription. */
  close(): void {
    for (const subscriber of [...this.#subscribers]) subscriber[Symbol.dispose]();
  }

  #begin(home: string): FollowedHome {
    const memory = new ChangeBuffer(Math.max(0, Math.floor(this.#options.now())));
    const followers = new Set<Subscriber>();
    const begun = { memory, followers };
    this.#homes.set(home, begun);
    const mark = (seq: number) => {
      memory.mark(positionAfter(this.#options.epoch(), seq));
      for (const subscriber of followers) subscriber.reach(memory.last);
    };
    // An engine that stops runs nothing any more, and ends its streams
    this.#options.settle(home, mark).catch(() => {
      if (this.#homes.get(home) === begun) this.#drop(home, memory);
    });
    return begun;
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
      let largest: ChangeBuffer | null = null;
      for (const { memory } of this.#homes.values()) {
        if (memory.size > (largest?.size ?? 0)) largest = memory;
      }
      if (!largest) return;
      const { size } = largest;
      largest.trim();
      this.#remembered += largest.size - size;
    }
  }

  #forgetIdle(): void {
    for (const [home, leftAt] of this.#idle) {
      if (this.#options.now() - leftAt <= MEMORY_MS) return;
      const followed = this.#homes.get(home);
      if (followed) this.#drop(home, followed.memory);
    }
  }

  #drop(home: string, memory: ChangeBuffer): void {
    this.#homes.delete(home);
    this.#idle.delete(home);
    this.#remembered -= memory.size;
  }

  /** Has the log put into memory what comes after a position. */
  async #recall(
    home: string,
    memory: ChangeBuffer,
    position: ChangePosition,
  ): Promise<GapReason | null> {
    // Another stream of the home may have had it read
    if (memory.covers(position)) return null;
    const { removals } = memory;
    const past = await this.#options.read(home, position);
    if (typeof past === 'string') return past;
    // What was read may tell of a twin that was removed meanwhile, and would stand there as its successor's
    if (memory.removals !== removals) return 'twin-removed';
    const before = memory.size;
    if (!memory.prepend(position, past)) return 'too-slow';
    if (this.#homes.get(home)?.memory === memory) this.#grown(memory.size - before);
    return null;
  }
}
