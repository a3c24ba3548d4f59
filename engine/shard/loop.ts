import { setImmediate as nextTick } from 'node:timers/promises';

/** Does its steps one after another while there is work, and nothing else meanwhile. */
export class Loop {
  readonly #hasWork: () => boolean;
  /** Handles its failures by itself. */
  readonly #step: () => Promise<void>;
  readonly #onIdle: () => void;
  #running = false;

  constructor(hasWork: () => boolean, step: () => Promise<void>, onIdle: () => void) {
    this.#hasWork = hasWork;
    this.#step = step;
    this.#onIdle = onIdle;
  }

  get isIdle(): boolean {
    return !this.#running && !this.#hasWork();
  }

  /** There may be work. */
  kick(): void {
    if (this.#running || !this.#hasWork()) return;
    this.#running = true;
    // The next tick: everything that arrives in this one makes one step
    setImmediate(() => void this.#run());
  }

  async #run(): Promise<void> {
    while (this.#hasWork()) {
      await this.#step();
      // Everyone else has the process: a store that answers at once would keep them waiting until all is done
      if (this.#hasWork()) await nextTick();
    }
    this.#running = false;
    this.#onIdle();
  }
}
