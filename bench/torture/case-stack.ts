import { ReleaseStack } from '../../api/release-stack.ts';

/** What a case has started. A case that is broken off goes on for a moment, and starts nothing more. */
export class CaseStack extends ReleaseStack {
  #isReleased = false;
  readonly #starting = new Set<Promise<unknown>>();

  /** Resolves when it has started. What is still starting when the case ends is released then. */
  async start<T extends AsyncDisposable>(starts: () => Promise<T>): Promise<T> {
    if (this.#isReleased) throw brokenOff();
    const starting = starts().then((started) => super.use(started));
    this.#starting.add(starting);
    try {
      return await starting;
    } finally {
      this.#starting.delete(starting);
    }
  }

  override use<T extends AsyncDisposable>(resource: T): T {
    if (!this.#isReleased) return super.use(resource);
    resource[Symbol.asyncDispose]().then(undefined, () => {}); // nobody listens any more
    throw brokenOff();
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    this.#isReleased = true;
    await Promise.allSettled(this.#starting);
    await super[Symbol.asyncDispose]();
  }
}

function brokenOff(): Error {
  return new Error('the case was broken off');
}
