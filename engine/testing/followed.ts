import type { Change, Subscription } from '../log/change.ts';

/** Reads a subscription as fast as it tells, until disposed. */
export class Followed implements AsyncDisposable {
  readonly changes: Change[] = [];
  readonly #subscription: Subscription;
  readonly #reading: Promise<void>;
  #told: () => void = () => {};
  #failure: { thrown: unknown } | null = null;

  constructor(subscription: Subscription) {
    this.#subscription = subscription;
    this.#reading = this.#read();
  }

  /** All that it has told when it has told such a change. @throws what the subscription throws */
  async until(isLast: (change: Change) => boolean): Promise<Change[]> {
    while (!this.changes.some(isLast)) {
      if (this.#failure) throw this.#failure.thrown;
      await new Promise<void>((resolve) => {
        this.#told = resolve;
      });
    }
    return this.changes;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#subscription[Symbol.dispose]();
    await this.#reading;
  }

  async #read(): Promise<void> {
    try {
      for await (const change of this.#subscription) {
        this.changes.push(change);
        this.#told();
      }
    } catch (thrown) {
      this.#failure = { thrown };
    }
    this.#told();
  }
}
