import type { DatabaseConnection, Dialect, Driver } from 'kysely';
import { TransactionConflict } from './transaction-conflict.ts';

/** SQLSTATE classes of a server that is away, too busy or full, or stops. */
const AWAY_CLASSES = new Set(['08', '53', '57']);
const AWAY_CODES = new Set([
  ...['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EHOSTUNREACH'],
  ...['SQLITE_BUSY', 'SQLITE_FULL', 'SQLITE_READONLY'],
]);
/** `serialization_failure`, `deadlock_detected` */
const CONFLICT_CODES = new Set(['40001', '40P01']);
/** What the driver says of a connection without any code. */
const AWAY_WORDS = /timeout|timed out|connection (terminated|ended|error)|not queryable/i;

/** Makes an error of a message. */
export type MakeError = (message: string) => Error;

/** What connections throw in place of what the driver throws. */
export interface Failures {
  /** The database does not answer, which passes by itself. */
  unavailable: MakeError;
  /** The home or the twin that a row refers to is not there. Null: as the driver throws it. */
  gone: ((message: string, cause: unknown) => Error) | null;
}

/** A dialect whose connections throw these. */
export function withFailures(dialect: Dialect, { unavailable, gone }: Failures): Dialect {
  const rethrow = (error: unknown): never => {
    if (isConflict(error)) throw new TransactionConflict({ cause: error });
    if (gone && isGone(error)) throw gone('what a row refers to is not there any more', error);
    if (!isAway(error)) throw error;
    throw unavailable('the database does not answer at the moment');
  };
  return {
    createDriver: () => watched(dialect.createDriver(), rethrow),
    createQueryCompiler: () => dialect.createQueryCompiler(),
    createAdapter: () => dialect.createAdapter(),
    createIntrospector: (database) => dialect.createIntrospector(database),
  };
}

type Rethrow = (error: unknown) => never;

function watched(driver: Driver, rethrow: Rethrow): Driver {
  return {
    init: () => driver.init(),
    acquireConnection: async () => {
      const connection = await driver.acquireConnection().catch(rethrow);
      return new Watched(connection, rethrow);
    },
    releaseConnection: (connection) => driver.releaseConnection(innerOf(connection)),
    beginTransaction: (connection, settings) =>
      driver.beginTransaction(innerOf(connection), settings).catch(rethrow),
    commitTransaction: (connection) => driver.commitTransaction(innerOf(connection)).catch(rethrow),
    // Of a connection that broke: the failure before it says so
    rollbackTransaction: (connection) =>
      driver.rollbackTransaction(innerOf(connection)).catch((error: unknown) => {
        if (!isAway(error)) throw error;
      }),
    destroy: () => driver.destroy(),
  };
}

function innerOf(connection: DatabaseConnection): DatabaseConnection {
  return (connection as Watched).inner;
}

class Watched implements DatabaseConnection {
  readonly inner: DatabaseConnection;
  readonly #rethrow: Rethrow;

  constructor(inner: DatabaseConnection, rethrow: Rethrow) {
    this.inner = inner;
    this.#rethrow = rethrow;
  }

  executeQuery: DatabaseConnection['executeQuery'] = (query) =>
    this.inner.executeQuery<never>(query).catch(this.#rethrow);

  streamQuery: DatabaseConnection['streamQuery'] = (query, size) =>
    this.inner.streamQuery(query, size);
}

function isGone(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, detail } = error as { code?: unknown; detail?: unknown };
  // SQLite does not say what the row refers to
  if (code === 'SQLITE_CONSTRAINT_FOREIGNKEY') return true;
  return code === '23503' && /is not present in table "(home|twin)"/.test(String(detail));
}

/** PostgreSQL has undone one of several transactions that waited for each other. */
function isConflict(error: unknown): boolean {
  return error instanceof Error && CONFLICT_CODES.has(String((error as { code?: unknown }).code));
}

function isAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code } = error as { code?: unknown };
  if (typeof code !== 'string') return AWAY_WORDS.test(error.message);
  return (
    AWAY_CODES.has(code) ||
    code.startsWith('SQLITE_IOERR') ||
    (code.length === 5 && AWAY_CLASSES.has(code.slice(0, 2)))
  );
}
