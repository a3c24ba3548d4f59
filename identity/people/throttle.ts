import { IdentityError } from '../errors.ts';

interface Failures {
  count: number;
  /** Nothing is looked at before. */
  until: number;
  last: number;
}

export interface ThrottleOptions {
  clock: { now(): number };
  /** Failures that cost nothing. */
  free: number;
  /** The wait after the next, doubled with each more. */
  firstWaitMs: number;
  longestWaitMs: number;
  /** After so long without one all is forgotten. */
  forgetMs: number;
}

const MOST_KEPT = 50_000;

/**
 * Makes guessing slow, key by key. The keys are pairs of whom is asked for and where from, so that nobody
 * can lock somebody else out; in memory, as one engine serves a database.
 */
export class Throttle {
  readonly #options: ThrottleOptions;
  #failures = new Map<string, Failures>();

  constructor(options: ThrottleOptions) {
    this.#options = options;
  }

  /** @throws IdentityError `too-many-tries` */
  assertMay(key: string): void {
    const wait = (this.#failures.get(key)?.until ?? 0) - this.#options.clock.now();
    if (wait <= 0) return;
    throw new IdentityError('too-many-tries', 'too many tries', {
      hint: `Try again in ${Math.ceil(wait / 1_000)} s.`,
      retryAfterMs: wait,
    });
  }

  failed(key: string): void {
    const { clock, free, firstWaitMs, longestWaitMs, forgetMs } = this.#options;
    const now = clock.now();
    const known = this.#failures.get(key);
    const count = known && now - known.last < forgetMs ? known.count + 1 : 1;
    const wait = count > free ? Math.min(longestWaitMs, firstWaitMs * 2 ** (count - free - 1)) : 0;
    // The oldest goes first: a map keeps the order in which its keys came
    this.#failures.delete(key);
    if (this.#failures.size >= MOST_KEPT) {
      const [oldest] = this.#failures.keys();
      if (oldest !== undefined) this.#failures.delete(oldest);
    }
    this.#failures.set(key, { count, until: now + wait, last: now });
  }

  succeeded(key: string): void {
    this.#failures.delete(key);
  }
}
