/** What a thread beside the server's does: it reads by asking, and works by itself. */
import { setPriority } from 'node:os';
import type { MessagePort } from 'node:worker_threads';
import {
  type AnyKind,
  EngineError,
  heardError,
  type ReadingStorage,
  readerOf,
  tellError,
} from '../../../engine/index.ts';
import { duty } from './duty.ts';
import { jobs } from './jobs.ts';
import type { FromThread, ToThread } from './protocol.ts';

/**
 * The most bytes of an answer as JSON: more than a person reads, and less than what holds up the server that passes it
 * on.
 */
const MAX_BYTES = 8 * 1_024 * 1_024;
/** The lowest: others of the process go before. On Linux the priority is of the thread that asks for it. */
const LATER = 19;

type Answer = Extract<ToThread, { type: 'answer' | 'no answer' }>;

class Asking {
  readonly #port: MessagePort;
  readonly #open = new Map<number, (answer: Answer) => void>();
  #asks = 0;

  constructor(port: MessagePort) {
    this.#port = port;
  }

  take(answer: Answer): void {
    this.#open.get(answer.ask)?.(answer);
    this.#open.delete(answer.ask);
  }

  ask(verb: keyof ReadingStorage, args: unknown[]): Promise<never> {
    const ask = ++this.#asks;
    return new Promise((resolve, reject) => {
      this.#open.set(ask, (answer) => {
        if (answer.type === 'answer') resolve(answer.value as never);
        else reject(heardError(answer.error));
      });
      say(this.#port, { type: 'ask', ask, verb, args });
    });
  }
}

function storageOf(asking: Asking): ReadingStorage {
  return {
    listTwins: (...args) => asking.ask('listTwins', args),
    getTwin: (...args) => asking.ask('getTwin', args),
    listJournal: (...args) => asking.ask('listJournal', args),
    readJournal: (...args) => asking.ask('readJournal', args),
    latestCheckpoint: (...args) => asking.ask('latestCheckpoint', args),
  };
}

function say(port: MessagePort, message: FromThread): void {
  port.postMessage(message);
}

/** @param loading the kinds of the homes' twins; where they cannot be loaded, each job says so */
export function serveJobs(port: MessagePort, loading: Promise<readonly AnyKind[]>): void {
  if (process.platform === 'linux') setPriority(LATER);
  const asking = new Asking(port);
  const storage = storageOf(asking);
  // Said with the first job that needs them
  loading.catch(() => {});
  const work = async ({ job, input }: Extract<ToThread, { type: 'job' }>) => {
    const kinds = new Map<string, AnyKind>((await loading).map((kind) => [kind.kind, kind]));
    const reader = readerOf(storage, kinds, duty());
    const output = await (jobs[job] as (...given: unknown[]) => Promise<unknown>)(reader, input);
    const bytes = Buffer.byteLength(JSON.stringify(output));
    if (bytes <= MAX_BYTES) return output;
    throw new EngineError('bad-input', `the answer is larger than ${MAX_BYTES} bytes`, {
      hint: 'Ask about a shorter span.',
    });
  };
  port.on('message', (message: ToThread) => {
    if (message.type !== 'job') return asking.take(message);
    work(message).then(
      (output) => say(port, { type: 'done', output }),
      (error: unknown) => say(port, { type: 'failed', error: tellError(error) }),
    );
  });
}
