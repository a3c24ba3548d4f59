/** A thread that does one job after the other for the server, within limits of memory and time. */
import { Worker } from 'node:worker_threads';
import { heardError, type ReadingStorage, tellError } from '../../../engine/index.ts';
import { FeatureError } from '../../contract/feature-error.ts';
import type { JobName } from './jobs.ts';
import type { Beginning, FromThread, ToThread } from './protocol.ts';

export interface ThreadOptions extends Beginning {
  storage: ReadingStorage;
  /** The compiled program of the thread: it calls `serveJobs`. */
  file: URL;
  memoryMb: number;
  /** How long one job may take. */
  timeMs: number;
}

const VERBS: ReadonlySet<string> = new Set<keyof ReadingStorage>([
  'listTwins',
  'getTwin',
  'listJournal',
  'readJournal',
  'latestCheckpoint',
]);

export class Thread {
  readonly #options: ThreadOptions;
  #worker: Worker | null = null;

  constructor(options: ThreadOptions) {
    this.#options = options;
  }

  /**
   * @param home what may be read is this home's
   * @param signal aborted: the job ends, and the thread with it; the next one begins anew
   * @throws what the job throws; FeatureError `bad-input` where it takes too much of time or memory
   */
  async do(
    given: { job: JobName; input: unknown; home: string },
    signal: AbortSignal,
  ): Promise<unknown> {
    const worker = this.#started();
    const { timeMs, memoryMb } = this.#options;
    let hasAnswered = false;
    let release = () => {};
    try {
      return await new Promise((resolve, reject) => {
        const onMessage = (message: FromThread) => {
          if (message.type === 'ask') return void this.#answer(worker, message, given.home);
          hasAnswered = true;
          if (message.type === 'done') resolve(message.output);
          else reject(heardError(message.error));
        };
        const onError = (error: Error & { code?: string }) => {
          const isMemory = error.code === 'ERR_WORKER_OUT_OF_MEMORY';
          reject(isMemory ? tooMuch(`${memoryMb} MB of memory`) : error);
        };
        const onExit = () => reject(new Error('the thread has ended'));
        const onAbort = () => reject(left());
        const late = setTimeout(() => reject(tooMuch(`${timeMs / 1_000} s`)), timeMs);
        release = () => {
          clearTimeout(late);
          worker.off('message', onMessage).off('error', onError).off('exit', onExit);
          signal.removeEventListener('abort', onAbort);
        };
        worker.on('message', onMessage).on('error', onError).on('exit', onExit);
        signal.addEventListener('abort', onAbort);
        if (signal.aborted) onAbort();
        else this.#say(worker, { type: 'job', job: given.job, input: given.input });
      });
    } finally {
      release();
      // One that has not answered goes on with what nobody wants
      if (!hasAnswered) await this.end();
    }
  }

  async end(): Promise<void> {
    const worker = this.#worker;
    this.#worker = null;
    await worker?.terminate();
  }

  #started(): Worker {
    const { file, memoryMb, kindsDir } = this.#options;
    if (this.#worker) return this.#worker;
    const worker = new Worker(file, {
      workerData: { kindsDir } satisfies Beginning,
      resourceLimits: { maxOldGenerationSizeMb: memoryMb, maxYoungGenerationSizeMb: 32 },
    });
    // Whoever waits for it hears of it; the next job gets another one
    worker.on('error', () => {
      if (this.#worker === worker) this.#worker = null;
    });
    this.#worker = worker;
    return worker;
  }

  async #answer(
    worker: Worker,
    { ask, verb, args }: Extract<FromThread, { type: 'ask' }>,
    home: string,
  ): Promise<void> {
    try {
      assertOf(home, verb, args);
      const read = this.#options.storage[verb] as (...given: unknown[]) => Promise<unknown>;
      this.#say(worker, { type: 'answer', ask, value: await read(...args) });
    } catch (error) {
      this.#say(worker, { type: 'no answer', ask, error: tellError(error) });
    }
  }

  #say(worker: Worker, message: ToThread): void {
    worker.postMessage(message);
  }
}

/** A job reads its own home and no other. */
function assertOf(home: string, verb: string, [first]: unknown[]): void {
  const asked = typeof first === 'string' ? first : (first as { home?: unknown } | null)?.home;
  if (VERBS.has(verb) && asked === home) return;
  throw new Error(`a job of home ${home} has asked for ${verb} of ${String(asked)}`);
}

function tooMuch(what: string): FeatureError {
  return new FeatureError('bad-input', `it takes more than ${what}`, {
    hint: 'Ask about a shorter span, or give a smaller rule.',
  });
}

function left(): FeatureError {
  return new FeatureError('timeout', 'nobody waits for it any more');
}
