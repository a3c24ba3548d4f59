/** Does one thing after the other for each key, in the order in which they were asked for. */
export class InTurn {
  readonly #last = new Map<string, Promise<unknown>>();

  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const former = this.#last.get(key) ?? Promise.resolve();
    const mine = former.then(work, work);
    // Whoever comes next waits for the end of this, and is not told how it ended
    const settled = mine.then(noResult, noResult);
    this.#last.set(key, settled);
    try {
      return await mine;
    } finally {
      if (this.#last.get(key) === settled) this.#last.delete(key);
    }
  }
}

function noResult(): void {}
