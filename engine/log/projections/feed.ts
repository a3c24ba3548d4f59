import type { LogRow } from '../../model/rows.ts';

/** Turns that memory holds. */
export const FEED_TURNS = 20_000;

/** The turns that were committed last, by their positions, for whoever reads the log and keeps up. */
export class Feed {
  #turns: LogRow[] = [];
  /** All committed turns above it are here. */
  #from: number;
  readonly #limit: number;

  /** @param from the highest position that is taken */
  constructor(from: number, limit = FEED_TURNS) {
    this.#from = from;
    this.#limit = limit;
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
      if (at === this.#turns.length) this.#turns.push(turn);
      else this.#turns.splice(at, 0, turn);
    }
    if (this.#turns.length > this.#limit) {
      const last = this.#turns[Math.floor(this.#turns.length / 2)] as LogRow;
      this.trim(last.seq);
    }
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

  /** Forgets turns up to a position. */
  trim(upTo: number): void {
    this.#turns.splice(0, this.#indexAfter(upTo));
    this.#from = Math.max(this.#from, upTo);
  }

  /** Forgets turns of a deleted twin, or of all twins of a deleted home. */
  forget({ home, twin }: { home: string; twin?: string }): void {
    this.#turns = this.#turns.filter(
      (turn) => turn.home !== home || (twin !== undefined && turn.twin !== twin),
    );
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
