/** Tables beside the twins, of identity and of features: queries over what the migrations have made. */
import SqliteDatabase from 'better-sqlite3';
import { CamelCasePlugin, type Dialect, Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import { readMigrations } from '../storage/migrations.ts';
import { sqlitePathOf } from '../storage/open.ts';
import { type Failures, withFailures } from './failures.ts';
import { sqliteDialect } from './sqlite.ts';

const CONNECTIONS = 4;
const QUERY_TIMEOUT_MS = 10_000;

/**
 * What belongs together is written by `atomically`.
 * @param url that of the engine's storage, whose migrations have run
 * @param failures `gone`: null where no row refers to a home or a twin
 * @param around puts something between here and the store: tests stop statements there
 * @throws Error when it names no database
 */
export function openTables<T>(
  url: string,
  failures: Failures,
  around: (dialect: Dialect) => Dialect = (dialect) => dialect,
): Kysely<T> {
  return new Kysely<T>({
    dialect: around(withFailures(dialectFor(url, failures), failures)),
    plugins: [new CamelCasePlugin()],
  });
}

function dialectFor(url: string, { gone }: Failures): Dialect {
  if (/^postgres(ql)?:\/\//.test(url)) return new PostgresDialect({ pool: poolFor(url) });
  const path = sqlitePathOf(url);
  if (path === undefined) throw new Error('the address names no database');
  const database = new SqliteDatabase(path, { timeout: 0 });
  database.pragma('synchronous = FULL');
  if (path === ':memory:') {
    // A database of its own, as tests have it: nobody else has brought it up to date, and the homes and twins are in another
    for (const { sql } of readMigrations('sqlite')) database.exec(sql);
    if (gone) database.pragma('foreign_keys = OFF');
  }
  return sqliteDialect(database);
}

function poolFor(url: string): pg.Pool {
  const types = {
    getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
      oid === pg.types.builtins.INT8
        ? Number
        : pg.types.getTypeParser(oid, format as 'text')) as typeof pg.types.getTypeParser,
  };
  const pool = new pg.Pool({
    connectionString: url,
    types,
    max: CONNECTIONS,
    query_timeout: QUERY_TIMEOUT_MS,
    statement_timeout: QUERY_TIMEOUT_MS,
  });
  // An idle connection broke: the pool has dropped it
  pool.on('error', () => {});
  // One that is in use says so twice: its query fails, too
  pool.on('connect', (client) => client.on('error', () => {}));
  return pool;
}
