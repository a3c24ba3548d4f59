/** Jobs that wait for a thread: few of each principal, and each principal in turn. */
import { EngineError } from '../../engine/index.ts';
import { Refusal } from '../problem.ts';

export interface QueueOptions {
  /** Jobs of one principal that run or wait. */
  mostOfOne: number;
  /** Jobs that wait. */
  most: number;
}

interface Waiting {
  principal: string;
  run: () => Promise<void>;
}

export class Queue {
  readonly #options: QueueOptions;
  #waiting: Waiting[] = [];
  /** Whose job runs; null: none does. */
  #running: string | null = null;
  #last: string | null = null;

  constructor(options: QueueOptions) {
    this.#options = options;
  }

  get depth(): number {
    return this.#waiting.length;
  }
  get isRunning(): boolean {
    return this.#running !== null;
  }

  /**
   * Runs it when it is its turn.
   * @param isLimited false: of the server itself
   * @param signal aborted while it waits: it is never run
   * @throws Refusal `too-many-requests`, EngineError `overloaded`
   */
  add<T>(
    principal: string,
    isLimited: boolean,
    signal: AbortSignal,
    work: () => Promise<T>,
  ): Promise<T> {
    const { mostOfOne, most } = this.#options;
    const own = this.#waiting.filter((one) => one.principal === principal).length;
    if (isLimited && own + (this.#running === principal ? 1 : 0) >= mostOfOne) {
      throw new Refusal('too-many-requests', `${mostOfOne} such requests of yours are under way`, {
        hint: 'Wait for one of them to end.',
        retryAfter: 1,
      });
    }
    if (isLimited && this.#waiting.length >= most) {
      throw new EngineError('overloaded', `${most} such requests wait already`, {
        hint: 'Try again in a moment.',
      });
    }
    return new Promise<T>((resolve, reject) => {
      const leave = () => {
        this.#waiting = this.#waiting.filter((one) => one !== entry);
        reject(new Refusal('timeout', 'nobody waits for it any more'));
      };
      const entry: Waiting = {
        principal,
        run: () => {
          signal.removeEventListener('abort', leave);
          return work().then(resolve, reject);
        },
      };
      this.#waiting.push(entry);
      signal.addEventListener('abort', leave);
      this.#next();
    });
  }

  #next(): void {
    if (this.#running !== null) return;
    const next =
      this.#waiting.find(({ principal }) => principal !== this.#last) ?? this.#waiting[0];
    if (!next) return;
    this.#waiting = this.#waiting.filter((one) => one !== next);
    this.#running = next.principal;
    this.#last = next.principal;
    void next.run().finally(() => {
      this.#running = null;
      this.#next();
    });
  }
}
