import { IdentityError } from '../errors.ts';

interface Tries {
  count: number;
  /** Nothing is looked at before. */
  until: number;
  last: number;
}

export interface ThrottleOptions {
  clock: { now(): number };
  /** Tries before the first wait. */
  free: number;
  /** The first wait, doubled with each more. */
  firstWaitMs: number;
  longestWaitMs: number;
  /** The time without one after which all is forgotten. */
  forgetMs: number;
}

/** A try that has been counted, and whose end is open. */
export interface Try {
  /** It was right: all of the key are forgotten. */
  succeeded(): void;
  /** Nothing was looked at: it does not count. */
  undone(): void;
}

const MAX_KEPT = 50_000;

/**
 * Makes guessing slow, key by key. The keys are pairs of whom is asked for and where from, so that nobody
 * can lock somebody else out; in memory, as one engine serves a database.
 */
export class Throttle {
  readonly #options: ThrottleOptions;
  #tries = new Map<string, Tries>();

  constructor(options: ThrottleOptions) {
    this.#options = options;
  }

  /**
   * Counts a try before anything is looked at, so that many at once are as many as one after the other.
   * @throws IdentityError `too-many-tries`
   */
  begin(key: string): Try {
    this.#assertMay(key);
    this.#count(key);
    return {
      succeeded: () => this.#tries.delete(key),
      undone: () => this.#uncount(key),
    };
  }

  #assertMay(key: string): void {
    const wait = (this.#tries.get(key)?.until ?? 0) - this.#options.clock.now();
    if (wait <= 0) return;
    throw new IdentityError('too-many-tries', 'too many tries', {
      hint: `Try again in ${Math.ceil(wait / 1_000)} s.`,
      retryAfterMs: wait,
    });
  }

  #count(key: string): void {
    const { clock, free, firstWaitMs, longestWaitMs, forgetMs } = this.#options;
    const now = clock.now();
    const known = this.#tries.get(key);
    const count = known && now - known.last < forgetMs ? known.count + 1 : 1;
    const wait = count >= free ? Math.min(longestWaitMs, firstWaitMs * 2 ** (count - free)) : 0;
    // The oldest goes first: a map keeps the order in which its keys came
    this.#tries.delete(key);
    if (this.#tries.size >= MAX_KEPT) {
      const [oldest] = this.#tries.keys();
      if (oldest !== undefined) this.#tries.delete(oldest);
    }
    this.#tries.set(key, { count, until: now + wait, last: now });
  }

  #uncount(key: string): void {
    const known = this.#tries.get(key);
    if (!known) return;
    if (known.count <= 1) this.#tries.delete(key);
    else this.#tries.set(key, { ...known, count: known.count - 1, until: 0 });
  }
}
