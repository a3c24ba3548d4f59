import type { Worker } from 'node:worker_threads';
import { EngineError, messageOf } from '../../model/errors.ts';
import { heardError } from '../../model/told-error.ts';
import type { OnMigration } from '../migrations.ts';
import type { FromThread, Operation, ToThread } from './protocol.ts';

interface Waiting {
  resolve: (value: unknown) => void;
  reject: (error: unknown) => void;
}

/** One thread from its start to its end. It keeps the process alive only while somebody waits for it. */
export class Session {
  readonly operations: readonly Operation[];
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  readonly #exited: Promise<void>;
  #asks = 0;
  #end: EngineError | null = null;

  /** @throws what the opening of the database throws; EngineError `storage-unavailable` where the thread dies */
  static of(worker: Worker, onMigration: OnMigration): Promise<Session> {
    return new Promise((resolve, reject) => {
      let refusal: Error | null = null;
      const hear = (message: FromThread) => {
        if (message.type === 'migrating') onMigration(message.name);
        if (message.type === 'not open') refusal = heardError(message.error);
        if (message.type !== 'open') return;
        worker.off('message', hear);
        resolve(new Session(worker, message.operations));
      };
      worker.on('message', hear);
      // Only then also where it has said why: whoever is told may want the file
      watchEnd(worker, (end) => reject(refusal ?? end));
    });
  }

  private constructor(worker: Worker, operations: readonly Operation[]) {
    this.#worker = worker;
    this.operations = operations;
    worker.unref();
    worker.on('message', (message: FromThread) => this.#hear(message));
    this.#exited = new Promise((resolve) => {
      watchEnd(worker, (end) => {
        this.#end ??= end;
        for (const { reject } of this.#waiting.values()) reject(this.#end);
        this.#waiting.clear();
        resolve();
      });
    });
  }

  get hasEnded(): boolean {
    return this.#end !== null;
  }

  ask(operation: Operation, args: unknown[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#end) throw this.#end;
      const ask = ++this.#asks;
      // Before it is waited for: what cannot be copied throws
      this.#say({ type: 'ask', ask, operation, args });
      if (this.#waiting.size === 0) this.#worker.ref();
      this.#waiting.set(ask, { resolve, reject });
    });
  }

  /** Does what was asked before, closes the connection and ends the thread. */
  async close(): Promise<void> {
    if (this.#end === null) {
      this.#end = closed();
      this.#worker.ref();
      this.#say({ type: 'close' });
    }
    await this.#exited;
  }

  #hear(message: FromThread): void {
    if (message.type !== 'answer' && message.type !== 'no answer') return;
    const waiting = this.#waiting.get(message.ask);
    if (!waiting) return;
    this.#waiting.delete(message.ask);
    if (this.#waiting.size === 0 && this.#end === null) this.#worker.unref();
    if (message.type === 'answer') waiting.resolve(message.value);
    else waiting.reject(heardError(message.error));
  }

  #say(message: ToThread): void {
    this.#worker.postMessage(message);
  }
}

/** What whoever asks a storage that has been closed is told. */
export function closed(): EngineError {
  return new EngineError('storage-unavailable', 'the storage has been closed', {
    hint: 'Open the database again.',
  });
}

/** @param onEnd called once, after everything that the thread has said */
function watchEnd(worker: Worker, onEnd: (end: EngineError) => void): void {
  let cause: unknown;
  worker.once('error', (error) => {
    cause = error;
  });
  worker.once('exit', () => {
    const why = cause === undefined ? '' : `: ${messageOf(cause)}`;
    const end = new EngineError(
      'storage-unavailable',
      `the thread of the database has ended${why}`,
      {
        hint: 'The next try begins another one; if that ends, too, look at the memory of this machine.',
        ...(cause !== undefined && { cause }),
      },
    );
    onEnd(end);
  });
}
