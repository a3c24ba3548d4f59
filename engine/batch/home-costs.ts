/** How much processor time the twins of each home take that carry out what people of the home have written. */

/** What a home may take at once, ms. */
const BURST_MS = 20;
/** The part of a second that a home may take for as long as it likes. */
const SHARE = 0.05;
/** Homes that are remembered before those that have taken nothing of late are forgotten. */
const MAX_HOMES = 1_000;

interface Cost {
  ms: number;
  /** When `ms` was right, as `performance.now()`. */
  at: number;
}

/** It changes when a home has its turns, and never what comes of them: so the time of the machine may count. */
export class HomeCosts {
  readonly #now: () => number;
  #costs = new Map<string, Cost>();

  /** @param now ms, steadily rising */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Runs a turn of the home, and counts how long it takes. */
  measure<T>(home: string, run: () => T): T {
    const from = this.#now();
    try {
      return run();
    } finally {
      const at = this.#now();
      this.#costs.set(home, { ms: this.#left(home, at) + at - from, at });
      if (this.#costs.size > MAX_HOMES) this.#forget(at);
    }
  }

  /** Whether it has taken more than it may at others' expense. */
  isOver(home: string): boolean {
    return this.#left(home, this.#now()) > BURST_MS;
  }

  #left(home: string, at: number): number {
    const cost = this.#costs.get(home);
    return cost === undefined ? 0 : Math.max(0, cost.ms - (at - cost.at) * SHARE);
  }

  #forget(at: number): void {
    for (const home of [...this.#costs.keys()]) {
      if (this.#left(home, at) === 0) this.#costs.delete(home);
    }
  }
}
