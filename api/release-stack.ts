/** What has been started, to be stopped in reverse order. Node 20 has no AsyncDisposableStack. */
export class ReleaseStack implements AsyncDisposable {
  #releases: (() => PromiseLike<unknown>)[] = [];

  use<T extends AsyncDisposable>(resource: T): T {
    this.#releases.push(() => resource[Symbol.asyncDispose]());
    return resource;
  }

  defer(release: () => PromiseLike<unknown>): void {
    this.#releases.push(release);
  }

  /** Releases everything, even where one release fails. @throws the first failure, at the end */
  async [Symbol.asyncDispose](): Promise<void> {
    const failures: unknown[] = [];
    for (let release = this.#releases.pop(); release; release = this.#releases.pop()) {
      try {
        await release();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}
