import { randomUUID } from 'node:crypto';
import pg from 'pg';

export interface PostgresDatabase extends AsyncDisposable {
  url: string;
}

/** An empty database on a server; dropped on disposal, whoever still uses it. */
export async function createDatabase(server: string, options = ''): Promise<PostgresDatabase> {
  const name = `torture_${randomUUID().replaceAll('-', '')}`;
  await query(server, `CREATE DATABASE ${name} ENCODING 'UTF8' TEMPLATE template0 ${options}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    [Symbol.asyncDispose]: () => query(server, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
  };
}

export async function query(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
