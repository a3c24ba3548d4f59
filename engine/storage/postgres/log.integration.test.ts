import pg from 'pg';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
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

async function append(server: Database, from: number, to: number, home = `'h'`): Promise<void> {
  await server.query({
    text: `INSERT INTO journal (home, twin, revision, at, received_at, event, event_id, source,
        correlation, principal, dedupe, late, effects, writer, seq)
      SELECT ${home}, 't', n, ${NOW}, ${NOW}, '{}', 'e', 'mqtt', 'c', 'p', false, false, '[]', 0, n
      FROM generate_series(${from}, ${to}) AS n`,
  });
}

function indexesOf(plan: unknown): string[] {
  const names = JSON.stringify(plan).matchAll(/"Index Name":"([^"]+)"/g);
  return [...names].map(([, name]) => name ?? '');
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
    const used = indexesOf(plan);
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

/** A plan for any values sees how many homes there are, and not how long a range of positions is: the log is long then. */
test('the log of a home is read by the index of positions where there are many homes', async () => {
  await using server = new Database(database.url);
  await append(server, 80_001, 120_000, `'h' || n % 5000`);
  await server.query({ text: 'ANALYZE journal' });
  const used = await server.transaction(async (query) => {
    await query({ text: 'SET LOCAL plan_cache_mode = force_generic_plan' });
    await query({ text: `PREPARE of_home (text, bigint, bigint, bigint) AS ${READ_HOME.text}` });
    const text = `EXPLAIN (FORMAT JSON) EXECUTE of_home ('h1', 80100, 80200, 10)`;
    return indexesOf(await query({ text }));
  });
  expect(used.length).toBeGreaterThan(0);
  expect(used.filter((name) => !/coalesce/.test(name))).toEqual([]);
  const { rows } = await new LogReads(server).home('h1', 80_100, 90_100, 10);
  expect(rows.map(({ seq }) => seq)).toEqual([85_001, 90_001]);
});

/** As in a database of a former version, where a position is a ms. */
test('a slice of many rows in a place takes few statements', async () => {
  await using server = new Database(database.url);
  const [positions, each] = [200, 400];
  await server.query({
    text: `INSERT INTO journal (home, twin, revision, at, received_at, event, event_id, source,
        correlation, principal, dedupe, late, effects, writer, seq)
      SELECT 'dense', 't' || twin, ms, ${NOW}, ${NOW}, '{}', 'e', 'mqtt', 'c', 'p', false, false, '[]', 0,
        1000000 + 10 * ms
      FROM generate_series(1, ${positions}) AS ms, generate_series(1, ${each}) AS twin ORDER BY ms, twin`,
  });
  const reads = new LogReads(server);
  const end = 1_000_000 + 10 * positions;
  const statements = vi.spyOn(pg.Client.prototype, 'query');
  let rows = 0;
  let slices = 0;
  for (let after = 1_000_000; after < end; slices++) {
    const slice = await reads.slice(after, end, 500);
    rows += slice.rows.length;
    after = slice.upTo;
  }
  await reads[Symbol.asyncDispose]();
  expect(rows).toBe(positions * each);
  // Four of them begin, set and end the transaction
  expect(statements.mock.calls.length / slices).toBeLessThan(8);
});
