import type { RecordedEffect } from './effect.ts';
import type { Address } from './envelope.ts';
import type { Json, JsonObject } from './json.ts';
import { type ChangePosition, comparePositions, positionAfter } from './log/change-position.ts';
import { HomeMemory } from './log/home-memory.ts';
import type { AlertRow, IntentRow } from './rows.ts';

/** Something that has been committed, in a home. */
export type HomeChange = {
  /** Missing where nobody follows the home. */
  position?: ChangePosition;
} & (
  | (Address & {
      type: 'twin';
      kind: string;
      revision: number;
      at: number;
      event: { type: string };
      eventId: string;
      cause: string | null;
      correlation: string;
      state: Json;
      reported: JsonObject;
      desired: JsonObject;
      effects: RecordedEffect[];
    })
  | (Address & { type: 'twin.removed' })
  | (Address & { type: 'intent'; intent: IntentRow })
  | (Address & { type: 'alert'; alert: AlertRow })
);

export type PlacedChange = HomeChange & { position: ChangePosition };

export type Change =
  | HomeChange
  /** Everything up to here has been told. */
  | { type: 'position'; position: ChangePosition }
  /**
   * The subscriber was too slow: this many changes were left out. Read the twins again, or follow anew from
   * `resume`, while memory has what comes after it.
   */
  | { type: 'lagged'; missed: number; resume: ChangePosition | null }
  /** What came after the position that was to be gone on from cannot be told any more. Read the twins again. */
  | { type: 'gap'; reason: GapReason };

/** Why a stream does not go on where it was cut off. */
export const GAP_REASONS = {
  malformed: 'the id is none that a stream has given',
  unknown: 'the home has no such position: the id is not of this home, or a backup was restored',
  'too-old': 'too long ago, or too much has happened since',
  'twin-removed': 'a twin of the home was removed since, and its turns with it',
  'kind-changed': 'a kind has changed, so that its former turns cannot be told any more',
  'too-slow': 'more happened than is kept, before it was read',
  busy: 'too many streams are being resumed',
} as const;
export type GapReason = keyof typeof GAP_REASONS;

export interface Subscription extends Disposable, AsyncIterable<Change> {
  /** Has it told up to where the home has come, in its turn: for filters that let nothing through. */
  mark(): void;
}

export interface ChangeFeedOptions {
  /** Epoch ms. */
  now: () => number;
  epoch: () => number;
  /** Runs at a moment at which no commit of the home is under way, with the last position that was taken. */
  settle: (home: string, run: (seq: number) => void) => Promise<void>;
  /** What the log has of a home after a position, at least up to what was committed before the call. */
  read: (home: string, after: ChangePosition) => Promise<PlacedChange[] | GapReason>;
}

const QUEUE_LIMIT = 1_000;
/** Changes that are remembered, of all homes. */
const MEMORY_LIMIT = 20_000;
/** For how long after the last stream of a home has gone. */
const MEMORY_MS = 2 * 60_000;
/** Streams that wait for the log to be read. */
const READS_LIMIT = 100;
/** Remembered changes that a stream takes at once. */
const CHUNK = 200;

/** Who listens to committed changes. A slow listener loses changes, is told so, and holds up nobody. */
export class ChangeFeed {
  readonly #options: ChangeFeedOptions;
  readonly #memoryLimit: number;
  #subscribers = new Set<Subscriber>();
  /** Of those, how many follow all homes. */
  #everywhere = 0;
  #homes = new Map<string, HomeMemory>();
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

  #begin(home: string): HomeMemory {
    const memory = new HomeMemory();
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

  #remember(memory: HomeMemory, change: HomeChange): HomeChange {
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

  #isIdle({ holders, leftAt }: HomeMemory): boolean {
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
    memory: HomeMemory,
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

/** The home that a subscriber follows. */
interface Followed {
  home: string;
  memory: HomeMemory;
  /** Where it goes on; null: from now on. */
  from: ChangePosition | null;
  recall: (position: ChangePosition) => Promise<GapReason | null>;
}

class Subscriber implements Subscription {
  #queue: Change[] = [];
  #missed = 0;
  /** The last change that was offered, and the one before those that are missed. */
  #offered: ChangePosition | null = null;
  #resume: ChangePosition | null = null;
  #wake: (() => void) | undefined;
  #closed = false;
  readonly #matches: (change: HomeChange) => boolean;
  readonly #onClose: () => void;
  readonly #followed: Followed | null;
  /** While it reads from memory: what comes meanwhile is read there, too. */
  #isBehind: boolean;

  constructor(
    matches: (change: HomeChange) => boolean,
    onClose: () => void,
    followed: Followed | null = null,
  ) {
    this.#matches = matches;
    this.#onClose = onClose;
    this.#followed = followed;
    this.#isBehind = followed?.from != null;
    if (!this.#isBehind) this.#goLive();
  }

  get home(): string | null {
    return this.#followed?.home ?? null;
  }

  offer(change: HomeChange): void {
    if (this.#isBehind) return;
    if (this.#followed && change.home !== this.#followed.home) return;
    const { position } = change;
    if (position && this.#offered && comparePositions(position, this.#offered) <= 0) return;
    const before = this.#offered;
    if (position) this.#offered = position;
    if (!this.#matches(change)) return;
    if (this.#queue.length >= QUEUE_LIMIT) {
      if (this.#missed === 0) this.#resume = before;
      this.#missed++;
    } else this.#queue.push(change);
    this.#wake?.();
  }

  mark(): void {
    // Memory may know more: what the log had of a commit that is about to be told
    this.reach(this.#offered);
  }

  /** Everything up to a position has been told, or is older than the subscription. */
  reach(position: ChangePosition | null): void {
    if (this.#isBehind || !position || this.#queue.length >= QUEUE_LIMIT) return;
    this.#offered = position;
    this.#queue.push({ type: 'position', position });
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncIterator<Change> {
    if (this.#followed?.from) yield* this.#catchUp(this.#followed, this.#followed.from);
    while (!this.#closed) {
      const batch = this.#queue;
      const missed = this.#missed;
      this.#queue = [];
      this.#missed = 0;
      yield* batch;
      // Where they are missing, and not when it has caught up: one that is always too slow never does
      if (missed > 0) yield { type: 'lagged', missed, resume: this.#resumable() };
      if (this.#queue.length === 0 && !this.#closed) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        this.#wake = undefined;
      }
    }
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    this.#onClose();
    this.#wake?.();
  }

  /** What memory has after a position, however slowly it is read; from its end on, in the same moment, what comes live. */
  async *#catchUp(
    { memory, recall }: Followed,
    from: ChangePosition,
  ): AsyncGenerator<Change, void> {
    let position = from;
    let gap = memory.covers(position) ? null : await this.#unlessClosed(recall(position));
    while (gap === null && !this.#closed) {
      const changes = memory.after(position, CHUNK);
      if (changes === null) {
        gap = 'too-slow';
        break;
      }
      const last = changes.at(-1);
      if (!last) break;
      for (const change of changes) if (this.#matches(change)) yield change;
      position = last.position;
    }
    this.#goLive();
    if (gap !== null) yield { type: 'gap', reason: gap };
  }

  /** A store that fails after the end fails nobody. */
  async #unlessClosed(recalled: Promise<GapReason | null>): Promise<GapReason | null> {
    try {
      return await recalled;
    } catch (error) {
      if (this.#closed) return null;
      throw error;
    }
  }

  #goLive(): void {
    this.#isBehind = false;
    this.reach(this.#followed?.memory.last ?? null);
  }

  #resumable(): ChangePosition | null {
    const resume = this.#resume;
    return resume && this.#followed?.memory.covers(resume) ? resume : null;
  }
}
