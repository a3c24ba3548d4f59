/**
 * The long work with rules in threads beside the server's: one for what is quickly done (reading and checking), one
 * for what goes through journals. So nobody's backtest keeps others from changing a rule, and nothing of it keeps
 * homes from their turns.
 */
import type { ReadingStorage } from '../../../engine/index.ts';
import { type JobName, LONG } from './jobs.ts';
import { Queue } from './queue.ts';
import type { Caller, RuleWork, RunJob } from './rule-work.ts';
import { Thread } from './thread.ts';

export interface ThreadsOptions {
  storage: ReadingStorage;
  /** The folder of the operator's kinds; null: none. */
  kindsDir: string | null;
  /** The memory of each thread. */
  memoryMb: number;
  /** How long a job that goes through journals may take. */
  seconds: number;
  /** The compiled program of a thread: it calls `serveJobs`. */
  file: URL;
}

/** How long any other job may take. */
const QUICK_MS = 10_000;
/** The most jobs of one account that run or wait: quick ones, and those that go through journals. */
export const MAX_QUICK_OF_ONE = 8;
const MAX_LONG_OF_ONE = 2;
/** A thread that has had nothing to do for so long ends: its memory is wanted elsewhere. */
const IDLE_MS = 60_000;
const NEVER = new AbortController().signal;

interface WorkerQueue {
  queue: Queue;
  thread: Thread;
  idle: NodeJS.Timeout | null;
}

export class RuleThreads implements RuleWork {
  readonly #quick: WorkerQueue;
  readonly #long: WorkerQueue;
  readonly #closing = new AbortController();

  constructor({ storage, kindsDir, memoryMb, seconds, file }: ThreadsOptions) {
    const worker = (timeMs: number, mostOfOne: number): WorkerQueue => ({
      queue: new Queue({ mostOfOne, most: 64 }),
      thread: new Thread({ storage, kindsDir, memoryMb, timeMs, file }),
      idle: null,
    });
    this.#quick = worker(QUICK_MS, MAX_QUICK_OF_ONE);
    this.#long = worker(seconds * 1_000, MAX_LONG_OF_ONE);
  }

  for({ account, signal }: Caller): RunJob {
    const isLimited = signal !== undefined;
    const until = AbortSignal.any([signal ?? NEVER, this.#closing.signal]);
    return (job, input) => {
      const worker = LONG.has(job) ? this.#long : this.#quick;
      const given = { job: job as JobName, input, home: input.home };
      return worker.queue.add(account, isLimited, until, () =>
        within(worker, () => worker.thread.do(given, until)),
      ) as Promise<never>;
    };
  }

  load(): { running: number; waiting: number } {
    const queues = [this.#quick.queue, this.#long.queue];
    return {
      running: queues.filter(({ isRunning }) => isRunning).length,
      waiting: queues.reduce((sum, { depth }) => sum + depth, 0),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    for (const { idle, thread } of [this.#quick, this.#long]) {
      if (idle) clearTimeout(idle);
      await thread.end();
    }
  }
}

/** Keeps the thread while it is used, and for a while after. */
async function within<T>(worker: WorkerQueue, work: () => Promise<T>): Promise<T> {
  if (worker.idle) clearTimeout(worker.idle);
  try {
    return await work();
  } finally {
    worker.idle = setTimeout(() => void worker.thread.end(), IDLE_MS);
    worker.idle.unref();
  }
}
