import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../testing/postgres.ts';
import { CONTRACT_OPTIONS } from '../contract/options.ts';
import { NOW } from '../contract/sample-rows.ts';
import { Database } from './database.ts';
import { LogReads, READ, READ_HOME } from './log.ts';
import { openPostgres } from './open.ts';
import { makePartitions, weekOf } from './partitions.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
  await (await openPostgres(database.url, CONTRACT_OPTIONS))[Symbol.asyncDispose]();
  await using server = new Database(database.url);
  await server.transaction((query) => makePartitions(query, [weekOf(NOW)]));
  await append(server, 1, 20_000);
});
afterAll(() => database[Symbol.asyncDispose]());

async function append(server: Database, from: number, to: number): Promise<void> {
  await server.query({
    text: `INSERT INTO journal (home, twin, revision, at, received_at, event, event_id, source,
        correlation, principal, dedupe, late, effects, writer, seq)
      SELECT 'h', 't', n, ${NOW}, ${NOW}, '{}', 'e', 'mqtt', 'c', 'p', false, false, '[]', 0, n
      FROM generate_series(${from}, ${to}) AS n`,
  });
}

/** The expression of a position stands in the migration and in the statements: the server compares both. */
test('the log, and that of a home, are read by the index of positions', async () => {
  await using server = new Database(database.url);
  await server.query({ text: 'ANALYZE journal' });
  const indexes = await server.query<{ name: string }>({
    text: `SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'journal_log'::regclass`,
  });
  const ofPositions = new Set(indexes.map(({ name }) => name));
  for (const [{ text }, values] of [
    [READ, [100, 200]],
    [READ_HOME, ['h', 100, 200, 10]],
  ] as const) {
    const explained = { text: `EXPLAIN (FORMAT JSON) ${text}` };
    const [plan] = await server.query<{ 'QUERY PLAN': unknown }>(explained, values);
    const used = [...JSON.stringify(plan).matchAll(/"Index Name":"([^"]+)"/g)].map(
      ([, name]) => name ?? '',
    );
    expect(used.length).toBeGreaterThan(0);
    expect(used.filter((name) => !ofPositions.has(name))).toEqual([]);
  }
});

test('who reads the log looks through few rows of others, however many came since the last vacuum', async () => {
  await using server = new Database(database.url);
  await append(server, 20_001, 80_000);
  const lookedThrough = async () => {
    const text = `EXPLAIN (ANALYZE, FORMAT JSON) ${READ.text}`;
    const [plan] = await server.query<object>({ text }, [100, 200]);
    const removed = [...JSON.stringify(plan).matchAll(/"Rows Removed by Index Recheck":(\d+)/g)];
    return removed.reduce((sum, [, rows]) => sum + Number(rows), 0);
  };
  expect(await lookedThrough()).toBeGreaterThan(50_000);
  const reads = new LogReads(server);
  const { rows } = await reads.slice(70_000, 80_000, 100);
  expect(rows.map(({ seq }) => seq)).toEqual(Array.from({ length: 100 }, (_, n) => 70_001 + n));
  await reads[Symbol.asyncDispose]();
  expect(await lookedThrough()).toBeLessThan(10_000);
});
