/** Jobs that wait for a thread: few of each account, and first of who has had none for longest. */
import { EngineError } from '../../../engine/index.ts';
import { FeatureError } from '../../contract/feature-error.ts';

export interface QueueOptions {
  /** Jobs of one account that run or wait. */
  mostOfOne: number;
  /** Jobs that wait. */
  most: number;
}

/** Accounts that have had jobs; of others it counts as if they had had none. */
const MAX_REMEMBERED = 1_000;

interface Waiting {
  account: string;
  run: () => Promise<void>;
}

export class Queue {
  readonly #options: QueueOptions;
  #waiting: Waiting[] = [];
  /** Whose job runs; null: none does. */
  #running: string | null = null;
  /** The number of the last job of each account, the account whose job is longest ago first. */
  #ran = new Map<string, number>();
  #jobs = 0;

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
   * @throws FeatureError `too-many-requests`; `timeout` when it is aborted already; EngineError `overloaded`
   */
  add<T>(
    account: string,
    isLimited: boolean,
    signal: AbortSignal,
    work: () => Promise<T>,
  ): Promise<T> {
    if (signal.aborted) throw left();
    const { mostOfOne, most } = this.#options;
    const own = this.#waiting.filter((one) => one.account === account).length;
    if (isLimited && own + (this.#running === account ? 1 : 0) >= mostOfOne) {
      throw new FeatureError(
        'too-many-requests',
        `${mostOfOne} such requests of yours are under way`,
        {
          hint: 'Wait for one of them to end.',
          retryAfterMs: 1_000,
        },
      );
    }
    if (isLimited && this.#waiting.length >= most) {
      throw new EngineError('overloaded', `${most} such requests wait already`, {
        hint: 'Try again in a moment.',
      });
    }
    return new Promise<T>((resolve, reject) => {
      const leave = () => {
        this.#waiting = this.#waiting.filter((one) => one !== entry);
        reject(left());
      };
      const entry: Waiting = {
        account,
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

  #remember(account: string): void {
    this.#ran.delete(account);
    this.#ran.set(account, ++this.#jobs);
    const [oldest] = this.#ran.keys();
    if (this.#ran.size > MAX_REMEMBERED && oldest !== undefined) this.#ran.delete(oldest);
  }

  #next(): void {
    if (this.#running !== null) return;
    const [first, ...others] = this.#waiting;
    if (!first) return;
    const lastOf = ({ account }: Waiting) => this.#ran.get(account) ?? 0;
    const next = others.reduce((a, b) => (lastOf(b) < lastOf(a) ? b : a), first);
    this.#waiting = this.#waiting.filter((one) => one !== next);
    this.#running = next.account;
    this.#remember(next.account);
    void next.run().finally(() => {
      this.#running = null;
      this.#next();
    });
  }
}

function left(): FeatureError {
  return new FeatureError('timeout', 'nobody waits for it any more');
}
