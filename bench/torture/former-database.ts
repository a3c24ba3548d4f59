/** Makes a database as the version before the log had it, out of one that an engine of today has lived in. */
import { rename, rm } from 'node:fs/promises';
import Sqlite from 'better-sqlite3';
import pg from 'pg';
import type { DeliveryRow } from '../../engine/index.ts';
import { makePartitions, weekOf } from '../../engine/storage/postgres/partitions.ts';
import { makeFormerSchema } from '../../engine/testing/former-schema.ts';
import { undeliveredIn } from './evidence.ts';

/** The first migration that the former version did not have: with it the journal became the log. */
const BEFORE = '0009';
/** What has another name there. */
const FORMER_NAMES: Readonly<Record<string, string>> = { outbox: 'parked' };
/** It counted commits. */
const FORMER_SEQ = 1_000;

interface Row {
  [column: string]: string | number | null;
}

/** Both databases at once: tables of the former version, and those of today in a schema `later`. */
interface Both {
  all<R extends object>(sql: string, ...values: unknown[]): Promise<R[]>;
  /** Tables of the former version. */
  tables(): Promise<string[]>;
  columns(schema: 'former' | 'later', table: string): Promise<string[]>;
  /** Copies a table's rows. */
  copy(into: string, from: string, columns: readonly string[]): Promise<void>;
  insert(into: string, row: Row): Promise<void>;
}

/**
 * The engine is stopped. Rows keep what the former version knew of them; what had not left stands in its outbox, and
 * an open command in the table of intents, too.
 */
export async function makeFormer(databaseUrl: string): Promise<void> {
  const waiting = await undeliveredIn(databaseUrl);
  if (databaseUrl.startsWith('sqlite:')) await ofSqlite(databaseUrl, waiting);
  else await ofPostgres(databaseUrl, waiting);
}

async function fill(both: Both, waiting: readonly DeliveryRow[]): Promise<void> {
  for (const table of await both.tables()) {
    const from = FORMER_NAMES[table] ?? table;
    const later = new Set(await both.columns('later', from));
    const columns = (await both.columns('former', table)).filter((column) => later.has(column));
    await both.copy(table, from, columns);
  }
  const known = new Set((await both.all<{ id: string }>('SELECT id FROM outbox')).map((r) => r.id));
  for (const row of waiting) if (!known.has(row.id)) await both.insert('outbox', outboxRow(row));
  await both.all(`UPDATE writer SET seq = ${FORMER_SEQ}`);
  const twins = await both.all<{ home: string; twin: string; state: string }>(
    `SELECT home, twin, CAST(state AS text) AS state FROM twin`,
  );
  for (const { home, twin, state } of twins) {
    const { pending } = JSON.parse(state) as { pending: Pending[] };
    for (const intent of pending) await both.insert('intent', intentRow(home, twin, intent));
  }
}

function outboxRow(row: DeliveryRow): Row {
  return {
    ...{ id: row.id, home: row.home, twin: row.twin, destination: row.destination },
    ...{ delivery: JSON.stringify(row.delivery), created_at: row.createdAt },
    ...{ expires_at: row.expiresAt, attempts: row.attempts, not_before: row.notBefore },
  };
}

interface Pending {
  id: string;
  name: string;
  args: object;
  status: string;
  createdAt: number;
  expiresAt: number;
  ackedAt: number | null;
  cause: string;
  correlation: string;
  principal: string;
}

function intentRow(home: string, twin: string, intent: Pending): Row {
  const { id, name, status, cause, correlation, principal } = intent;
  return {
    ...{ id, home, twin, name, args: JSON.stringify(intent.args), status },
    ...{ created_at: intent.createdAt, expires_at: intent.expiresAt, acked_at: intent.ackedAt },
    ...{ cause, correlation, principal },
  };
}

async function ofSqlite(databaseUrl: string, waiting: readonly DeliveryRow[]): Promise<void> {
  const path = databaseUrl.slice('sqlite:'.length);
  const later = `${path}.later`;
  const today = new Sqlite(path);
  today.pragma('wal_checkpoint(TRUNCATE)');
  today.close();
  await rename(path, later);
  const database = new Sqlite(path);
  try {
    database.pragma('journal_mode = WAL');
    database.pragma('foreign_keys = OFF');
    await makeFormerSchema('sqlite', BEFORE, async (sql) => void database.exec(sql));
    database.exec(`ATTACH '${later}' AS later`);
    const all: Both['all'] = async <R extends object>(sql: string, ...values: unknown[]) => {
      const statement = database.prepare(sql);
      if (statement.reader) return statement.all(...values) as R[];
      statement.run(...values);
      return [];
    };
    database.exec('BEGIN');
    await fill(
      {
        all,
        tables: async () =>
          (
            await all<{ name: string }>(
              `SELECT name FROM main.sqlite_schema
               WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> 'schema_migration'`,
            )
          ).map(({ name }) => name),
        columns: async (schema, table) => {
          const of = schema === 'later' ? 'later' : 'main';
          return (await all<{ name: string }>(`PRAGMA ${of}.table_info(${table})`)).map(
            ({ name }) => name,
          );
        },
        async copy(into, from, columns) {
          const list = columns.map((column) => `"${column}"`).join();
          database.exec(`DELETE FROM main.${into};
            INSERT INTO main.${into} (${list}) SELECT ${list} FROM later.${from}`);
        },
        async insert(into, row) {
          const columns = Object.keys(row);
          const marks = columns.map(() => '?').join();
          await all(
            `INSERT INTO ${into} (${columns.join()}) VALUES (${marks})`,
            ...Object.values(row),
          );
        },
      },
      waiting,
    );
    database.exec('COMMIT');
  } finally {
    database.close();
  }
  await rm(later);
}

async function ofPostgres(databaseUrl: string, waiting: readonly DeliveryRow[]): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const all: Both['all'] = async <R extends object>(sql: string, ...values: unknown[]) =>
      (await client.query<R>(sql, values)).rows;
    await all('BEGIN');
    await all('ALTER SCHEMA public RENAME TO later');
    await all('CREATE SCHEMA public');
    await makeFormerSchema('postgres', BEFORE, async (sql) => void (await client.query(sql)));
    // Rows come in any order
    await all('SET LOCAL session_replication_role = replica');
    const weeks = await all<{ at: number }>(
      'SELECT DISTINCT floor(received_at / 86400000) * 86400000 AS at FROM later.journal',
    );
    const starts = new Map(
      weeks.map(({ at }) => weekOf(Number(at))).map((week) => [week.from, week]),
    );
    await makePartitions(
      async ({ text }, values = []) => (await client.query(text, [...values])).rows,
      [...starts.values()],
    );
    await fill(
      {
        all,
        tables: async () =>
          (
            await all<{ name: string }>(
              `SELECT relname AS name FROM pg_class
               WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
                 AND NOT relispartition AND relname <> 'schema_migration'`,
            )
          ).map(({ name }) => name),
        columns: async (schema, table) =>
          (
            await all<{ name: string }>(
              `SELECT column_name AS name FROM information_schema.columns
               WHERE table_schema = $1 AND table_name = $2`,
              schema === 'later' ? 'later' : 'public',
              table,
            )
          ).map(({ name }) => name),
        async copy(into, from, columns) {
          const list = columns.map((column) => `"${column}"`).join();
          await all(`DELETE FROM ${into}`);
          await all(
            `INSERT INTO ${into} (${list}) OVERRIDING SYSTEM VALUE SELECT ${list} FROM later.${from}`,
          );
          for (const column of columns) {
            const [found] = await all<{ sequence: string | null }>(
              'SELECT pg_get_serial_sequence($1, $2) AS sequence',
              into,
              column,
            );
            if (!found?.sequence) continue;
            await all(
              `SELECT setval('${found.sequence}', coalesce(max("${column}"), 0) + 1) FROM ${into}`,
            );
          }
        },
        async insert(into, row) {
          const columns = Object.keys(row);
          const marks = columns.map((_, at) => `$${at + 1}`).join();
          await all(
            `INSERT INTO ${into} (${columns.join()}) VALUES (${marks})`,
            ...Object.values(row),
          );
        },
      },
      waiting,
    );
    await all('DROP SCHEMA later CASCADE');
    await all('COMMIT');
  } finally {
    await client.end();
  }
}
