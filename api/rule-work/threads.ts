/**
 * The long work with rules in threads beside the server's: one for what is quickly done (reading and checking), one
 * for what goes through journals. So nobody's backtest keeps others from changing a rule, and nothing of it keeps
 * homes from their turns.
 */
import type { ReadingStorage } from '../../engine/index.ts';
import { type JobName, LONG } from './jobs.ts';
import { Queue } from './queue.ts';
import type { Aside, Caller, RuleWork } from './rule-work.ts';
import { Thread } from './thread.ts';

export interface ThreadsOptions {
  storage: ReadingStorage;
  /** The folder of the operator's kinds; null: none. */
  kindsDir: string | null;
  /** Of each thread. */
  memoryMb: number;
  /** For a job that goes through journals. */
  seconds: number;
  /** The compiled file that a thread runs. Default: beside this one. */
  file?: URL;
}

/** For a job that does not. */
const QUICK_MS = 10_000;
/** A thread that has had nothing to do for so long ends: its memory is wanted elsewhere. */
const IDLE_MS = 60_000;
const NEVER = new AbortController().signal;

interface Lane {
  queue: Queue;
  thread: Thread;
  idle: NodeJS.Timeout | null;
}

export class RuleThreads implements RuleWork {
  readonly #quick: Lane;
  readonly #long: Lane;
  readonly #closing = new AbortController();

  constructor({ storage, kindsDir, memoryMb, seconds, file }: ThreadsOptions) {
    const beside = file ?? new URL('./thread-main.js', import.meta.url);
    const lane = (timeMs: number, mostOfOne: number): Lane => ({
      queue: new Queue({ mostOfOne, most: 64 }),
      thread: new Thread({ storage, kindsDir, memoryMb, timeMs, file: beside }),
      idle: null,
    });
    this.#quick = lane(QUICK_MS, 8);
    this.#long = lane(seconds * 1_000, 2);
  }

  for({ account, signal }: Caller): Aside {
    const isLimited = signal !== undefined;
    const until = AbortSignal.any([signal ?? NEVER, this.#closing.signal]);
    return (job, input) => {
      const lane = LONG.has(job) ? this.#long : this.#quick;
      const given = { job: job as JobName, input, home: input.home };
      return lane.queue.add(account, isLimited, until, () =>
        within(lane, () => lane.thread.do(given, until)),
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
async function within<T>(lane: Lane, work: () => Promise<T>): Promise<T> {
  if (lane.idle) clearTimeout(lane.idle);
  try {
    return await work();
  } finally {
    lane.idle = setTimeout(() => void lane.thread.end(), IDLE_MS);
    lane.idle.unref();
  }
}
