import type { LogRow } from '../../model/rows.ts';
import { sizeOf } from '../../turn/state-size.ts';

/** What memory holds at most. */
interface FeedLimits {
  turns: number;
  /** The size of the turns as JSON, about. */
  bytes: number;
}

const LIMITS: FeedLimits = { turns: 20_000, bytes: 32 * 1024 * 1024 };
/** What a turn has besides what senders and kinds fill. */
const BYTES_OF_REST = 512;

/** The turns that were committed last, by their positions, for whoever reads the log and keeps up. */
export class Feed {
  #turns: LogRow[] = [];
  /** The size of each turn, in the same order. */
  #sizes: number[] = [];
  #bytes = 0;
  /** All committed turns above it are here. */
  #from: number;
  readonly #limits: FeedLimits;

  /** @param from the highest position that is taken */
  constructor(from: number, limits = LIMITS) {
    this.#from = from;
    this.#limits = limits;
  }

  /** Whether memory has all turns after a position. */
  reaches(after: number): boolean {
    return after >= this.#from;
  }

  /** Takes the turns of a commit. Those of writers that overlap come in any order. */
  add(turns: readonly LogRow[]): void {
    for (const turn of turns) {
      let at = this.#turns.length;
      while (at > 0 && (this.#turns[at - 1] as LogRow).seq > turn.seq) at--;
      const bytes = bytesOf(turn);
      this.#bytes += bytes;
      if (at === this.#turns.length) {
        this.#turns.push(turn);
        this.#sizes.push(bytes);
      } else {
        this.#turns.splice(at, 0, turn);
        this.#sizes.splice(at, 0, bytes);
      }
    }
    const { turns: most, bytes: mostBytes } = this.#limits;
    if (this.#turns.length > most || this.#bytes > mostBytes) this.#halve();
  }

  /**
   * Turns after a position, at most so many, and up to which position they are all.
   * @returns null where memory does not have them any more
   */
  read(after: number, upTo: number, limit: number): { turns: LogRow[]; upTo: number } | null {
    if (!this.reaches(after)) return null;
    const start = this.#indexAfter(after);
    const end = Math.min(this.#indexAfter(upTo), start + limit);
    const turns = this.#turns.slice(start, end);
    const isCut = end < this.#indexAfter(upTo);
    return { turns, upTo: isCut ? (turns.at(-1)?.seq ?? after) : upTo };
  }

  /** How many turns there are after a position, and when the first of them was received. */
  waiting(after: number): { turns: number; since: number | null } {
    const start = this.#indexAfter(after);
    return {
      turns: this.#turns.length - start,
      since: this.#turns[start]?.receivedAt ?? null,
    };
  }

  /** Whether turns after a position take half of what memory holds, about. */
  isHalfFull(after: number): boolean {
    const { turns } = this.waiting(after);
    const bytes = turns === 0 ? 0 : this.#bytes * (turns / this.#turns.length);
    return turns >= this.#limits.turns / 2 || bytes >= this.#limits.bytes / 2;
  }

  /** Forgets turns up to a position. */
  trim(upTo: number): void {
    const end = this.#indexAfter(upTo);
    this.#turns.splice(0, end);
    for (const bytes of this.#sizes.splice(0, end)) this.#bytes -= bytes;
    this.#from = Math.max(this.#from, upTo);
  }

  /** Forgets turns of a deleted twin, or of all twins of a deleted home. */
  forget({ home, twin }: { home: string; twin?: string }): void {
    const isKept = (turn: LogRow) =>
      turn.home !== home || (twin !== undefined && turn.twin !== twin);
    const kept = this.#turns.map(isKept);
    this.#turns = this.#turns.filter((_turn, at) => kept[at]);
    this.#sizes = this.#sizes.filter((_bytes, at) => kept[at]);
    this.#bytes = this.#sizes.reduce((sum, bytes) => sum + bytes, 0);
  }

  /** Forgets the oldest, so that half is free: not with each turn that comes. */
  #halve(): void {
    const { turns: most, bytes: mostBytes } = this.#limits;
    let bytes = this.#bytes;
    let gone = 0;
    while (this.#turns.length - gone > most / 2 || bytes > mostBytes / 2) {
      bytes -= this.#sizes[gone++] as number;
    }
    this.trim((this.#turns[gone - 1] as LogRow).seq);
  }

  /** The first place of a turn above a position. */
  #indexAfter(position: number): number {
    let [low, high] = [0, this.#turns.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#turns[middle] as LogRow).seq <= position) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Only of what can be large: most turns have little more than a small event. */
function bytesOf({ event, state, reported, effects, desired }: LogRow): number {
  let bytes = BYTES_OF_REST + sizeOf(event);
  if (state !== null) bytes += sizeOf(state);
  if (reported !== null) bytes += sizeOf(reported);
  if (desired !== null) bytes += sizeOf(desired);
  return effects.length === 0 ? bytes : bytes + sizeOf(effects);
}
