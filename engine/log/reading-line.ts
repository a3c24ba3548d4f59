/** Readings that wait. */
const MAX_READINGS = 1_000;
/** The most readings of one account that wait; they wait for its other readings. */
const MAX_READINGS_OF_ONE = 100;
/** The part of the free places that one account may have. */
const SHARE_OF_FREE = 0.25;

/**
 * Readings of the log for streams, one at a time, as each takes a while. Accounts have their turns in a circle: however many
 * streams one of them resumes, another waits for one of its readings, not for all.
 */
export class ReadingLine {
  /** The readings of each account, the account whose turn it is first. None is empty. */
  #waiting = new Map<string, Set<() => Promise<void>>>();
  #count = 0;
  #isReading = false;

  /** The fewer places are free, the fewer one account may have: somebody with a dozen accounts leaves enough for the next. */
  hasRoom(account: string): boolean {
    const own = this.#waiting.get(account)?.size ?? 0;
    return own < Math.min(MAX_READINGS_OF_ONE, (MAX_READINGS - this.#count) * SHARE_OF_FREE);
  }

  /**
   * @param ended when nobody wants it any more
   * @returns null: that was before its turn
   */
  read<T>(account: string, reading: () => Promise<T>, ended: AbortSignal): Promise<T | null> {
    if (ended.aborted) return Promise.resolve(null);
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#remove(account, turn);
        resolve(null);
      };
      const turn = () => {
        ended.removeEventListener('abort', leave);
        // Who has asked is told of a failure; the next one has its turn either way
        return reading().then(resolve, reject);
      };
      ended.addEventListener('abort', leave);
      const own = this.#waiting.get(account) ?? new Set();
      this.#waiting.set(account, own.add(turn));
      this.#count++;
      void this.#run();
    });
  }

  async #run(): Promise<void> {
    if (this.#isReading) return;
    this.#isReading = true;
    // Who asks in the same moment is in the same circle
    await Promise.resolve();
    for (let turn = this.#next(); turn; turn = this.#next()) await turn();
    this.#isReading = false;
  }

  #next(): (() => Promise<void>) | null {
    for (const [account, own] of this.#waiting) {
      const [turn = null] = own;
      if (turn) this.#remove(account, turn);
      // Behind the others, with what it still waits for
      if (this.#waiting.delete(account)) this.#waiting.set(account, own);
      return turn;
    }
    return null;
  }

  #remove(account: string, turn: () => Promise<void>): void {
    const own = this.#waiting.get(account);
    if (!own?.delete(turn)) return;
    this.#count--;
    if (own.size === 0) this.#waiting.delete(account);
  }
}
