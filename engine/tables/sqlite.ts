import { setImmediate as nextTick, setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type SqliteDatabase from 'better-sqlite3';
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import { TransactionConflict } from './transaction-conflict.ts';

type Result = QueryResult<never>;

interface Step {
  query: CompiledQuery;
  result: Result;
}

/** How long somebody else may write before the store counts as away, ms. */
const PATIENCE_MS = 5_000;
/** The engine holds the lock for one commit, which is some ms. */
const POLL_MS = 1;

/**
 * SQLite for a process whose engine commits to the same file, in another thread. A transaction that stayed open
 * while its author awaits would hold the write lock, and the engine would find the database busy.
 * So no lock outlives one call: each statement of a transaction runs behind the ones before it and is rolled
 * back, and the commit runs them all once more. It fails with {@link TransactionConflict} when a statement
 * answers otherwise than before: then somebody else has written in between, and the author begins again.
 * @param database one that does not wait for the lock by itself (`timeout: 0`), which would keep the process
 */
export function sqliteDialect(
  database: SqliteDatabase.Database,
  patienceMs = PATIENCE_MS,
): Dialect {
  return {
    createDriver: () => new SqliteDriver(database, patienceMs),
    createQueryCompiler: () => new SqliteQueryCompiler(),
    createAdapter: () => new SqliteAdapter(),
    createIntrospector: (db) => new SqliteIntrospector(db),
  };
}

class SqliteDriver implements Driver {
  readonly #database: SqliteDatabase.Database;
  readonly #patienceMs: number;

  constructor(database: SqliteDatabase.Database, patienceMs: number) {
    this.#database = database;
    this.#patienceMs = patienceMs;
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    return new SqliteConnection(this.#database, this.#patienceMs);
  }

  async beginTransaction(connection: DatabaseConnection): Promise<void> {
    (connection as SqliteConnection).begin();
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await (connection as SqliteConnection).commit();
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    (connection as SqliteConnection).rollback();
  }

  async releaseConnection(): Promise<void> {}

  async destroy(): Promise<void> {
    this.#database.close();
  }
}

/** How long statements of a transaction run one behind the other before everybody else has the process, ms. */
const STRETCH_MS = 5;

class SqliteConnection implements DatabaseConnection {
  readonly #database: SqliteDatabase.Database;
  readonly #patienceMs: number;
  #busyMs = 0;
  /** The statements of the transaction that is open; null: there is none. */
  #steps: Step[] | null = null;

  constructor(database: SqliteDatabase.Database, patienceMs: number) {
    this.#database = database;
    this.#patienceMs = patienceMs;
  }

  begin(): void {
    this.#steps = [];
  }

  async commit(): Promise<void> {
    const steps = this.#steps ?? [];
    this.#steps = null;
    if (steps.length === 0) return;
    await this.#onceFree(() => this.#locked('COMMIT', () => this.#repeat(steps)));
  }

  rollback(): void {
    this.#steps = null;
  }

  executeQuery: DatabaseConnection['executeQuery'] = async (query) => {
    const steps = this.#steps;
    if (!steps) return this.#onceFree(() => this.#run(query));
    if (this.#busyMs > STRETCH_MS) {
      // Nothing of SQLite waits: without this a long transaction would keep the process until its end
      await nextTick();
      this.#busyMs = 0;
    }
    const result = await this.#onceFree(() => {
      const from = performance.now();
      const answer = this.#locked('ROLLBACK', () => {
        this.#repeat(steps);
        return this.#run(query);
      });
      this.#busyMs += performance.now() - from;
      return answer;
    });
    steps.push({ query, result });
    return result;
  };

  streamQuery: DatabaseConnection['streamQuery'] = () => {
    throw new Error('tables read no streams');
  };

  /** Tries again while somebody else writes, and everybody else has the process in between. */
  async #onceFree<T>(attempt: () => T): Promise<T> {
    for (const from = performance.now(); ; await sleep(POLL_MS)) {
      try {
        return attempt();
      } catch (error) {
        if (!isBusy(error) || performance.now() - from >= this.#patienceMs) throw error;
      }
    }
  }

  /** @throws TransactionConflict when a statement answers otherwise than it did */
  #repeat(steps: readonly Step[]): void {
    for (const { query, result } of steps) {
      if (!isDeepStrictEqual(this.#again(query), result)) throw new TransactionConflict();
    }
  }

  #again(query: CompiledQuery): Result {
    try {
      return this.#run(query);
    } catch (cause) {
      // It worked before: somebody has stored what stands in its way
      if (isConstraint(cause)) throw new TransactionConflict({ cause });
      throw cause;
    }
  }

  #locked<T>(end: 'COMMIT' | 'ROLLBACK', work: () => T): T {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.#database.exec(end);
      return result;
    } catch (error) {
      // A full disk rolls back by itself
      if (this.#database.inTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
  }

  #run({ sql, parameters }: CompiledQuery): Result {
    const statement = this.#database.prepare(sql);
    if (statement.reader) return { rows: statement.all(parameters) as never[] };
    return { numAffectedRows: BigInt(statement.run(parameters).changes), rows: [] };
  }
}

function isConstraint(error: unknown): boolean {
  return hasCode(error, 'SQLITE_CONSTRAINT');
}

function isBusy(error: unknown): boolean {
  return hasCode(error, 'SQLITE_BUSY');
}

/** Extended codes begin with the one that they extend. */
function hasCode(error: unknown, wanted: string): boolean {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' && code.startsWith(wanted);
}
