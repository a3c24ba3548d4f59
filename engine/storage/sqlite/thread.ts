import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { programFile } from '../../program-file.ts';
import type { OnMigration } from '../migrations.ts';
import type { SqliteOperations } from './operations.ts';
import { makePrivate } from './private-files.ts';
import type { Beginning } from './protocol.ts';
import { closed, Session } from './session.ts';

/** Rows only pass through this thread. */
const RESOURCE_LIMITS = { maxYoungGenerationSizeMb: 24 } as const;

export type BeginWorker = (beginning: Beginning) => Worker;

/**
 * The connection, in a thread of its own. When that dies, what it was asked fails as of a store that is away, and
 * the next operation begins another one: a commit whose answer was lost is repeated under its `seq`, and the fence knows
 * whether it is stored.
 */
export class SqliteThread implements AsyncDisposable {
  readonly #begin: () => Promise<Session>;
  #session: Session;
  #next: Promise<Session> | null = null;
  #isClosed = false;
  /** Arguments are copied, and what they hold must be plain data. */
  readonly operations: SqliteOperations;

  /** @throws EngineError `storage-unavailable`, `database-too-new`, `migration-failed` */
  static async open(
    path: string,
    begin: () => Worker,
    onMigration: OnMigration,
  ): Promise<SqliteThread> {
    // Here, and once: to close the file ends the locks on it that connections of this process hold by then
    makePrivate(path);
    const beginSession = () => Session.of(begin(), onMigration);
    return new SqliteThread(await beginSession(), beginSession);
  }

  private constructor(session: Session, begin: () => Promise<Session>) {
    this.#session = session;
    this.#begin = begin;
    const operations = session.operations.map((operation) => [
      operation,
      async (...args: unknown[]) => {
        if (this.#isClosed) throw closed();
        const living = this.#session.hasEnded ? await this.#another() : this.#session;
        return living.ask(operation, args);
      },
    ]);
    this.operations = Object.fromEntries(operations) as SqliteOperations;
  }

  /** One for all who find that the last has died. */
  #another(): Promise<Session> {
    this.#next ??= this.#begin()
      .then((session) => {
        this.#session = session;
        return session;
      })
      .finally(() => {
        this.#next = null;
      });
    return this.#next;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    await this.#next?.catch(() => {}); // whoever asked for it has been told
    await this.#session.close();
  }
}

/** Where the sources run, as in tests, a loader compiles the thread's: Node 20 does not run TypeScript by itself. */
export function beginWorker(beginning: Beginning): Worker {
  const options = { workerData: beginning, resourceLimits: RESOURCE_LIMITS };
  const file = programFile('engine/storage/sqlite/thread-main');
  if (file.pathname.endsWith('.js')) return new Worker(file, options);
  const loader = pathToFileURL(createRequire(import.meta.url).resolve('jiti'));
  const text = `import jiti from '${loader}'; await jiti.createJiti('${file}').import('${file}');`;
  return new Worker(new URL(`data:text/javascript,${encodeURIComponent(text)}`), options);
}
