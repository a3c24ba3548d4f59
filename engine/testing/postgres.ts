import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';

export interface TestDatabase extends AsyncDisposable {
  url: string;
  /** Makes it as it was at first. Connections that are still open end. */
  reset(): Promise<void>;
}

/** Waits for each to be gone, and its advisory locks with it. */
const END_OTHERS = `SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
  WHERE datname = current_database() AND pid <> pg_backend_pid()`;
/** Faster than another database: nearly all that a test has made is rows. */
const EMPTY = `DO $$
DECLARE one record;
BEGIN
  SET LOCAL session_replication_role = replica;
  FOR one IN SELECT oid::regclass AS name FROM pg_class WHERE relispartition AND relkind = 'r' LOOP
    EXECUTE 'DROP TABLE ' || one.name;
  END LOOP;
  FOR one IN SELECT oid::regclass AS name, relkind AS kind FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'S')
      AND relname NOT IN ('schema_migration', 'history_start', 'present_epoch')
  LOOP
    IF one.kind = 'S' THEN PERFORM setval(one.name, 1, false);
    ELSE EXECUTE 'DELETE FROM ' || one.name;
    END IF;
  END LOOP;
  UPDATE history_start SET at = 0;
  UPDATE present_epoch SET epoch = 0;
END $$`;

/** A fresh database on the test run's server, up to date and without rows; dropped on disposal. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const made = await create(inject('postgresTemplate'));
  return { ...made, reset: () => runOn(made.url, END_OTHERS, EMPTY) };
}

/** One without tables. */
export async function createBareDatabase(): Promise<TestDatabase> {
  const made = await create('template0');
  const schema = ['DROP SCHEMA public CASCADE', 'CREATE SCHEMA public'];
  return { ...made, reset: () => runOn(made.url, END_OTHERS, ...schema) };
}

async function create(template: string): Promise<Omit<TestDatabase, 'reset'>> {
  const server = inject('postgresUrl');
  const name = `homeostat_test_${randomUUID().replaceAll('-', '')}`;
  await runOn(server, `CREATE DATABASE ${name} ENCODING 'UTF8' TEMPLATE ${template}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    // FORCE: a test that failed may have left connections open, and is reported for that elsewhere
    [Symbol.asyncDispose]: () => runOn(server, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
  };
}

export async function runOn(url: string, ...statements: string[]): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}
