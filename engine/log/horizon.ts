/** Gives positions, and knows which of them a commit has still to reach the store with. */
export class Horizon {
  #last: number;
  /** The last position of each commit under way, with the position before its first. */
  readonly #underWay = new Map<number, number>();

  /** @param last the highest position that is taken */
  constructor(last: number) {
    this.#last = last;
  }

  /** The highest position that was taken. */
  get last(): number {
    return this.#last;
  }

  /** Takes the next positions, for one commit. @returns the last */
  take(positions: number): number {
    const before = this.#last;
    this.#last += positions;
    this.#underWay.set(this.#last, before);
    return this.#last;
  }

  /** The commit that took positions up to this one is stored, or never will be. What nobody knows of is neither. */
  end(position: number): void {
    this.#underWay.delete(position);
  }

  /** The position up to which the log does not change any more. */
  get settled(): number {
    return Math.min(this.#last, ...this.#underWay.values());
  }
}
