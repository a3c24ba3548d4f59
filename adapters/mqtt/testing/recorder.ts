/** Keeps what happened and lets a test wait for what is to come, without sleeping. */
export class Recorder<T> {
  readonly items: T[] = [];
  #waiting: { done: () => boolean; resolve: () => void }[] = [];

  push(item: T): void {
    this.items.push(item);
    for (const waiting of [...this.#waiting]) {
      if (!waiting.done()) continue;
      this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
      waiting.resolve();
    }
  }

  /** The items, once there are at least `count`. */
  async count(count: number): Promise<T[]> {
    await this.#until(() => this.items.length >= count);
    return this.items;
  }

  /** The first item, past or future, that fits. */
  async first(fits: (item: T) => boolean): Promise<T> {
    await this.#until(() => this.items.some(fits));
    return this.items.find(fits) as T;
  }

  /** The items that fit, once there are `count` of them. */
  async some(count: number, fits: (item: T) => boolean): Promise<T[]> {
    await this.#until(() => this.items.filter(fits).length >= count);
    return this.items.filter(fits);
  }

  #until(done: () => boolean): Promise<void> {
    if (done()) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ done, resolve }));
  }
}
