import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';

export interface TestDatabase extends AsyncDisposable {
  url: string;
  /** Empties it, several times faster than making another. Connections that are still open end. */
  reset(): Promise<void>;
}

/** A fresh, empty database on the test run's server; dropped on disposal. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const server = inject('postgresUrl');
  const name = `homeostat_test_${randomUUID().replaceAll('-', '')}`;
  await run(server, `CREATE DATABASE ${name} ENCODING 'UTF8' TEMPLATE template0`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    reset: () => run(url.href, END_OTHERS, 'DROP SCHEMA public CASCADE', 'CREATE SCHEMA public'),
    // FORCE: a test that failed may have left connections open, and is reported for that elsewhere
    [Symbol.asyncDispose]: () => run(server, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
  };
}

/** Waits for each to be gone, and its advisory locks with it. */
const END_OTHERS = `SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
  WHERE datname = current_database() AND pid <> pg_backend_pid()`;

async function run(url: string, ...statements: string[]): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}
