import { IdentityError } from '../errors.ts';

export interface SemaphoreOptions {
  /** How many are at work at a time. */
  atOnce: number;
  /** How many more wait for their turn. */
  inLine: number;
}

/** The time after which the line is likely to be shorter. */
const RETRY_MS = 2_000;

/** Lets a few at work at a time, in the order in which they came. Who finds the line full is sent away. */
export class Semaphore {
  readonly #options: SemaphoreOptions;
  #working = 0;
  #waiting: (() => void)[] = [];

  constructor(options: SemaphoreOptions) {
    this.#options = options;
  }

  /** @throws IdentityError `too-many-tries` when the line is full, and whatever the work throws */
  async pass<T>(work: () => Promise<T>): Promise<T> {
    await this.#enter();
    try {
      return await work();
    } finally {
      this.#leave();
    }
  }

  async #enter(): Promise<void> {
    const { atOnce, inLine } = this.#options;
    if (this.#working < atOnce) {
      this.#working++;
      return;
    }
    if (this.#waiting.length >= inLine) {
      throw new IdentityError('too-many-tries', 'too many people sign in at this moment', {
        hint: 'Try again in a few seconds.',
        retryAfterMs: RETRY_MS,
      });
    }
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** The place goes to the next in line, so that nobody slips in between. */
  #leave(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#working--;
  }
}
