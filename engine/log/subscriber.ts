import type { Change, GapReason, HomeChange, Subscription } from './change.ts';
import type { ChangeBuffer } from './change-buffer.ts';
import { type ChangePosition, comparePositions } from './change-position.ts';

/** The home that a subscriber follows. */
export interface Followed {
  memory: ChangeBuffer;
  /** Where it goes on; null: from now on. */
  from: ChangePosition | null;
  recall: (position: ChangePosition, ended: AbortSignal) => Promise<GapReason | null>;
}

/** Changes that wait for a slow subscriber. */
const QUEUE_LIMIT = 1_000;
/** Remembered changes that a stream takes at once. */
const CHUNK = 200;

export class Subscriber implements Subscription {
  #queue: Change[] = [];
  #missed = 0;
  /** The last change that was offered, and the one before those that are missed. */
  #offered: ChangePosition | null = null;
  #resume: ChangePosition | null = null;
  #wake: (() => void) | undefined;
  readonly #end = new AbortController();
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

  get #isClosed(): boolean {
    return this.#end.signal.aborted;
  }

  /** A change of its home. */
  offer(change: HomeChange): void {
    if (this.#isBehind) return;
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

  isOfRemovedTwin(change: HomeChange): boolean {
    return this.#followed?.memory.isOfRemovedTwin(change) ?? false;
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
    while (!this.#isClosed) {
      const batch = this.#queue;
      const missed = this.#missed;
      // More may be missed before this is read
      const resume = this.#resume;
      this.#queue = [];
      this.#missed = 0;
      yield* batch;
      // Where they are missing, and not when it has caught up: one that is always too slow never does
      if (missed > 0) yield { type: 'lagged', missed, resume: this.#resumable(resume) };
      if (this.#queue.length === 0 && !this.#isClosed) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        this.#wake = undefined;
      }
    }
  }

  [Symbol.dispose](): void {
    this.#end.abort();
    this.#onClose();
    this.#wake?.();
  }

  /** What memory has after a position, however slowly it is read; from its end on, in the same moment, what comes live. */
  async *#catchUp(
    { memory, recall }: Followed,
    from: ChangePosition,
  ): AsyncGenerator<Change, void> {
    let position = from;
    let gap = memory.covers(position)
      ? null
      : await this.#unlessClosed(recall(position, this.#end.signal));
    while (gap === null && !this.#isClosed) {
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
      if (this.#isClosed) return null;
      throw error;
    }
  }

  #goLive(): void {
    this.#isBehind = false;
    this.reach(this.#followed?.memory.last ?? null);
  }

  #resumable(resume: ChangePosition | null): ChangePosition | null {
    return resume && this.#followed?.memory.covers(resume) ? resume : null;
  }
}
