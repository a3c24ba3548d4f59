import Sqlite from 'better-sqlite3';
import pg from 'pg';

/** Both dialects, for what the engine itself would take hours to do: years of history, a million twins. */
export async function query<Row extends object>(url: string, sql: string): Promise<Row[]> {
  if (url.startsWith('sqlite:')) return querySqlite<Row>(url.slice('sqlite:'.length), sql);
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Row>(sql)).rows;
  } finally {
    await client.end();
  }
}

/** A text of JSON as its column's type, which SQLite has none of. */
export function asJson(url: string, text: string): string {
  return url.startsWith('sqlite:') ? text : `CAST(${text} AS json)`;
}

/** A table `series` of one column `n`: 0 … count - 1. */
export function series(count: number): string {
  return `WITH RECURSIVE series (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM series WHERE n < ${count - 1})`;
}

/** Lets the planner know what has been put in, and SQLite's log end. */
export async function settle(url: string): Promise<void> {
  if (url.startsWith('sqlite:')) await query(url, 'PRAGMA wal_checkpoint(TRUNCATE)');
  else await query(url, 'VACUUM ANALYZE');
}

function querySqlite<Row>(path: string, sql: string): Row[] {
  const database = new Sqlite(path);
  try {
    const statement = database.prepare(sql);
    if (statement.reader) return statement.all() as Row[];
    statement.run();
    return [];
  } finally {
    database.close();
  }
}
