import { setImmediate as nextTick } from 'node:timers/promises';
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

/**
 * SQLite for a process whose engine commits on the same thread. A transaction that stayed open while its
 * author awaits would hold the write lock, and the engine, which cannot wait, would find the database busy.
 * So no lock outlives one call: each statement of a transaction runs behind the ones before it and is rolled
 * back, and the commit runs them all once more. It fails with {@link TransactionConflict} when a statement
 * answers otherwise than before: then somebody else has written in between, and the author begins again.
 */
export function sqliteDialect(database: SqliteDatabase.Database): Dialect {
  return {
    createDriver: () => new SqliteDriver(database),
    createQueryCompiler: () => new SqliteQueryCompiler(),
    createAdapter: () => new SqliteAdapter(),
    createIntrospector: (db) => new SqliteIntrospector(db),
  };
}

class SqliteDriver implements Driver {
  readonly #database: SqliteDatabase.Database;

  constructor(database: SqliteDatabase.Database) {
    this.#database = database;
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    return new SqliteConnection(this.#database);
  }

  async beginTransaction(connection: DatabaseConnection): Promise<void> {
    (connection as SqliteConnection).begin();
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    (connection as SqliteConnection).commit();
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    (connection as SqliteConnection).rollback();
  }

  async releaseConnection(): Promise<void> {}

  async destroy(): Promise<void> {
    this.#database.close();
  }
}

/** For how long statements of a transaction run one behind the other before everybody else has the process, ms. */
const STRETCH_MS = 5;

class SqliteConnection implements DatabaseConnection {
  readonly #database: SqliteDatabase.Database;
  #busyMs = 0;
  /** Of the transaction that is open; null: there is none. */
  #steps: Step[] | null = null;

  constructor(database: SqliteDatabase.Database) {
    this.#database = database;
  }

  begin(): void {
    this.#steps = [];
  }

  commit(): void {
    const steps = this.#steps ?? [];
    this.#steps = null;
    if (steps.length > 0) this.#locked('COMMIT', () => this.#repeat(steps));
  }

  rollback(): void {
    this.#steps = null;
  }

  executeQuery: DatabaseConnection['executeQuery'] = async (query) => {
    const steps = this.#steps;
    if (!steps) return this.#run(query);
    if (this.#busyMs > STRETCH_MS) {
      // Nothing of SQLite waits: without this a long transaction would keep the process until its end
      await nextTick();
      this.#busyMs = 0;
    }
    const from = performance.now();
    const result = this.#locked('ROLLBACK', () => {
      this.#repeat(steps);
      return this.#run(query);
    });
    this.#busyMs += performance.now() - from;
    steps.push({ query, result });
    return result;
  };

  streamQuery: DatabaseConnection['streamQuery'] = () => {
    throw new Error('identity reads no streams');
  };

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
  const { code } = error as { code?: unknown };
  return typeof code === 'string' && code.startsWith('SQLITE_CONSTRAINT');
}
