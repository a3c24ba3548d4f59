/** How far a reader of the log has come, writer by writer, while what it has taken is still under way. */
import type { Position } from '../model/rows.ts';

interface Standing {
  /** Up to here it has seen everything. */
  seen: number;
  /** Positions that are under way, with how many parts of each; rising. */
  open: Map<number, number>;
}

export class CursorTracker {
  readonly #writers = new Map<number, Standing>();

  /** @param cursors of each writer, up to where all is done */
  constructor(cursors: ReadonlyMap<number, number>) {
    for (const [writer, seen] of cursors) this.#writers.set(writer, { seen, open: new Map() });
  }

  seen(writer: number): number {
    return this.#of(writer).seen;
  }

  /**
   * Where to read on: up to here everything is seen of the writers that have committed more than is seen of them.
   * A writer that commits nothing for years keeps nobody at its last position. @returns null: all is seen
   */
  lowestBehind(heads: ReadonlyMap<number, number>): number | null {
    let lowest: number | null = null;
    for (const [writer, head] of heads) {
      const { seen } = this.#of(writer);
      if (seen < head && (lowest === null || seen < lowest)) lowest = seen;
    }
    return lowest;
  }

  /** It has seen everything of a writer up to here. */
  see(writer: number, seq: number): void {
    const standing = this.#of(writer);
    if (seq > standing.seen) standing.seen = seq;
  }

  /** A part of a turn is under way. */
  begin({ writer, seq }: Position): void {
    const { open } = this.#of(writer);
    open.set(seq, (open.get(seq) ?? 0) + 1);
  }

  end({ writer, seq }: Position): void {
    const { open } = this.#of(writer);
    const left = (open.get(seq) ?? 0) - 1;
    if (left > 0) open.set(seq, left);
    else open.delete(seq);
  }

  /** Up to where nothing of a writer is under way any more. */
  cursor(writer: number): number {
    const { seen, open } = this.#of(writer);
    const [first] = open.keys();
    return first === undefined ? seen : first - 1;
  }

  #of(writer: number): Standing {
    let standing = this.#writers.get(writer);
    if (!standing) {
      standing = { seen: 0, open: new Map() };
      this.#writers.set(writer, standing);
    }
    return standing;
  }
}
