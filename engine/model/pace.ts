import { setImmediate as nextTurn } from 'node:timers/promises';

/**
 * Leaves the event loop to everyone else now and then. Shared by several flows of work, it counts them together, and all of
 * them wait while one does.
 */
export class Pace {
  readonly #atOnceMs: number;
  #since = performance.now();
  #others: Promise<void> | null = null;

  /** @param atOnceMs how long work goes on without a turn for others */
  constructor(atOnceMs: number) {
    this.#atOnceMs = atOnceMs;
  }

  /** Null: go on. Else: when everyone else has had a turn. */
  wait(): Promise<void> | null {
    if (this.#others) return this.#others;
    if (performance.now() - this.#since <= this.#atOnceMs) return null;
    this.#others = nextTurn().then(() => {
      this.#since = performance.now();
      this.#others = null;
    });
    return this.#others;
  }
}
