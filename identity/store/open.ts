import SqliteDatabase from 'better-sqlite3';
import { CamelCasePlugin, type Dialect, Kysely, PostgresDialect, SqliteDialect } from 'kysely';
import pg from 'pg';
import { readMigrations } from '../../engine/index.ts';
import { withFailures } from './failures.ts';
import type { Tables } from './tables.ts';

/**
 * Queries over what the migrations have made. There are no transactions here: on SQLite one would hold
 * the write lock from one turn of the event loop to the next, and the engine, on the same thread, would
 * wait for it in vain. Each verb is one statement, or several of which each leaves something harmless.
 */
export type IdentityDatabase = Kysely<Tables>;

const CONNECTIONS = 4;
const QUERY_TIMEOUT_MS = 10_000;

/**
 * @param url that of the engine's storage, whose migrations have run
 * @throws Error when it names no database
 */
export function openIdentityDatabase(url: string): IdentityDatabase {
  return new Kysely<Tables>({
    dialect: withFailures(dialectFor(url)),
    plugins: [new CamelCasePlugin()],
  });
}

function dialectFor(url: string): Dialect {
  if (/^postgres(ql)?:\/\//.test(url)) return new PostgresDialect({ pool: poolFor(url) });
  const path = /^sqlite:(?:\/\/)?(.+)$/s.exec(url)?.[1];
  if (path === undefined) throw new Error('the address names no database');
  const database = new SqliteDatabase(path);
  database.pragma('synchronous = FULL');
  // A database of its own, which nobody else has brought up to date
  if (path === ':memory:') for (const { sql } of readMigrations('sqlite')) database.exec(sql);
  return new SqliteDialect({ database });
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
