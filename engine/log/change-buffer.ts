import type { HomeChange, PlacedChange } from './change.ts';
import { type ChangePosition, comparePositions, samePosition } from './change-position.ts';

/** Removed twins of which it is known where that was. */
const MAX_REMOVED = 1_000;

/** The last changes of a home, without a hole up to now: what a stream that was cut off goes on with. */
export class ChangeBuffer {
  #changes: PlacedChange[] = [];
  /** Whatever comes after it is here; null: begins with the first change. */
  #from: ChangePosition | null = null;
  /** Whether changes after its beginning have been let go. */
  #isTrimmed = false;
  /** Given to those who followed before anything happened. */
  #mark: ChangePosition | null = null;
  /** Where twins were last removed, the first before the others; null: before anything that has a position. */
  #removed = new Map<string, ChangePosition | null>();
  /** Up to here all twins count as removed. */
  #allRemoved: ChangePosition | null = null;
  #removals = 0;
  readonly #firstAside: number;

  /**
   * @param firstAside above those of any buffer of the home before: what the log tells holds none of them, and a position that one
   *   buffer has given must not name another change in the next
   */
  constructor(firstAside = 0) {
    this.#firstAside = firstAside;
  }

  /** How often a twin was removed. */
  get removals(): number {
    return this.#removals;
  }

  get size(): number {
    return this.#changes.length;
  }

  /** Up to where it has come; null: not known yet. */
  get last(): ChangePosition | null {
    return this.#changes.at(-1)?.position ?? this.#from;
  }

  /** Everything up to a position has been told. */
  mark(position: ChangePosition): void {
    if (this.last !== null) return;
    this.#from = position;
    this.#mark = position;
  }

  /**
   * Takes the next change.
   * @returns it with its position; null: it is known, as the log was read while it was committed
   */
  add(change: HomeChange): HomeChange | null {
    const { last } = this;
    if (change.position === undefined) {
      const position = last && { ...last, aside: Math.max(last.aside, this.#firstAside) + 1 };
      if (change.type === 'twin.removed') this.#noteRemoval(change.twin, position);
      // Nobody can have seen what comes before it here
      if (position === null) return change;
      const placed = { ...change, position };
      this.#changes.push(placed);
      return placed;
    }
    if (last !== null && comparePositions(change.position, last) <= 0) return null;
    this.#changes.push(change as PlacedChange);
    return change;
  }

  /** Whether it holds all that comes after a position that it has given, or that the log has. */
  covers(position: ChangePosition): boolean {
    if (samePosition(position, this.#from)) return true;
    const before = this.#changes[this.#after(position) - 1];
    if (before) return samePosition(position, before.position) || this.#isMark(position);
    return this.#isMark(position);
  }

  /** Whether the twin that a change tells of has been removed since, whatever has its name now. */
  isOfRemovedTwin({ twin, position }: HomeChange): boolean {
    const removedAt = this.#removed.get(twin);
    if (position === undefined) return removedAt !== undefined;
    return [removedAt, this.#allRemoved].some((at) => at && comparePositions(position, at) <= 0);
  }

  /** The next changes after a position; null: some of them have been let go. */
  after(position: ChangePosition, limit: number): PlacedChange[] | null {
    if (!this.covers(position)) return null;
    const at = this.#after(position);
    return this.#changes.slice(at, at + limit);
  }

  /**
   * Takes what the log, read since it has been remembering, has after a position.
   * @returns false: it has let go what comes between
   */
  prepend(position: ChangePosition, past: readonly PlacedChange[]): boolean {
    const reached = past.at(-1)?.position ?? position;
    if (this.#isTrimmed && this.#from && comparePositions(this.#from, reached) > 0) return false;
    const first = this.#changes[0]?.position;
    const older = first ? past.filter((one) => comparePositions(one.position, first) < 0) : past;
    this.#changes = [...older, ...this.#changes];
    this.#from = position;
    this.#isTrimmed = false;
    return true;
  }

  /** Lets the older half go. */
  trim(): void {
    const gone = this.#changes.splice(0, Math.ceil(this.#changes.length / 2));
    this.#from = gone.at(-1)?.position ?? this.#from;
    this.#isTrimmed = true;
  }

  /** There is nothing left that it tells of. */
  clear(): void {
    this.#removals++;
    this.#removed.clear();
    this.#allRemoved = this.last ?? this.#allRemoved;
    this.#changes = [];
    this.#from = null;
    this.#mark = null;
    this.#isTrimmed = false;
  }

  #noteRemoval(twin: string, position: ChangePosition | null): void {
    this.#removals++;
    this.#removed.delete(twin);
    this.#removed.set(twin, position);
    if (this.#removed.size <= MAX_REMOVED) return;
    for (const [first, at] of this.#removed) {
      this.#removed.delete(first);
      // Rather too many than one that is taken for its successor
      this.#allRemoved = at ?? this.#allRemoved;
      break;
    }
  }

  #isMark(position: ChangePosition): boolean {
    const isFrom = this.#from !== null && comparePositions(this.#from, position) <= 0;
    return isFrom && samePosition(position, this.#mark);
  }

  /** Index of the first change after a position. */
  #after(position: ChangePosition): number {
    let low = 0;
    let high = this.#changes.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const one = this.#changes[middle] as PlacedChange;
      if (comparePositions(one.position, position) <= 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
