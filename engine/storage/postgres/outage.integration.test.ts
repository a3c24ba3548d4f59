import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { EngineError } from '../../model/errors.ts';
import { createTestDatabase, type TestDatabase } from '../../testing/postgres.ts';
import { startPostgres } from '../../testing/postgres-server.ts';
import { CONTRACT_OPTIONS } from '../contract/options.ts';
import { journalOf, NOW, twinOf } from '../contract/sample-rows.ts';
import { commitOf, WRITERS, Writer } from '../contract/subject.ts';
import type { Storage } from '../port.ts';
import { openPostgres } from './open.ts';
import { weekOf } from './partitions.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());

const ADDRESS = { home: 'h', twin: 't' };

async function openFresh(): Promise<Storage> {
  await database.reset();
  return openPostgres(database.url, CONTRACT_OPTIONS);
}

/** Asks the server behind the storage's back. */
async function ask<Row extends pg.QueryResultRow>(sql: string, url = database.url): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Row>(sql)).rows;
  } finally {
    await client.end();
  }
}

const KILL_OTHERS = `SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
  WHERE datname = current_database() AND application_name = 'homeostat'`;

/** Repeats what may fail for a while with an error that says so, as the engine does. */
async function untilAvailable<T>(work: () => Promise<T>): Promise<T> {
  const outcome = await vi.waitFor(
    async (): Promise<{ value: T } | { error: unknown }> => {
      try {
        return { value: await work() };
      } catch (error) {
        if (error instanceof EngineError && error.code === 'storage-unavailable') throw error;
        return { error };
      }
    },
    { timeout: 10_000, interval: 20 },
  );
  if ('error' in outcome) throw outcome.error;
  return outcome.value;
}

describe('PostgreSQL that goes away', () => {
  test('takes the same commit again after every connection was cut, once', async () => {
    await using storage = await openFresh();
    const writer = await Writer.of(storage);
    await writer.write({ twins: [twinOf()], journal: [journalOf()] });
    const next = writer.next({
      twins: [twinOf({ revision: 2 })],
      journal: [journalOf({ revision: 2 })],
    });
    await ask(KILL_OTHERS);
    await untilAvailable(() => storage.commit(next));
    await storage.commit(next);
    expect(await storage.readJournal(ADDRESS, 0, 10)).toHaveLength(2);
  });

  test('keeps the claim over a cut connection when nobody else came', async () => {
    await using storage = await openFresh();
    const lease = await storage.acquire('engine-a', 1, 0);
    const lost = vi.fn();
    lease.onLost(lost);
    await ask(KILL_OTHERS);
    await untilAvailable(() => storage.commit(commitOf({ epoch: lease.epoch, twins: [twinOf()] })));
    const advisory = `SELECT pid FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
      WHERE locktype = 'advisory' AND granted AND datname = current_database()`;
    await vi.waitFor(async () => expect(await ask(advisory)).toHaveLength(1), { timeout: 10_000 });
    await using other = await openPostgres(database.url, CONTRACT_OPTIONS);
    await expect(other.acquire('engine-b', 1, 0)).rejects.toMatchObject({
      code: 'owned-elsewhere',
    });
    expect(lost).not.toHaveBeenCalled();
    await lease[Symbol.asyncDispose]();
    await using _next = await other.acquire('engine-b', 1, 10_000);
    expect(lost).not.toHaveBeenCalled();
  });

  test('says that the claim is lost when another engine has come in between', async () => {
    await using storage = await openFresh();
    const lease = await storage.acquire('engine-a', 1, 0);
    const lost = new Promise<void>((resolve) => lease.onLost(resolve));
    // what another engine does once the lock is free
    await ask(`UPDATE writer SET epoch = epoch + 1, seq = 0, owner = 'engine-b'`);
    await ask(KILL_OTHERS);
    await lost;
    await expect(
      untilAvailable(() => storage.commit(commitOf({ epoch: lease.epoch }))),
    ).rejects.toMatchObject({ code: 'fenced' });
    let calledLate = false;
    lease.onLost(() => {
      calledLate = true;
    });
    expect(calledLate).toBe(true);
  });

  test('fails in time while it is paused, goes on afterwards, and the commit counts once', async () => {
    await using server = await startPostgres();
    const pid = Number(
      (await readFile(join(server.folder, 'postmaster.pid'), 'utf8')).split('\n')[0],
    );
    await using storage = await openPostgres(server.url, CONTRACT_OPTIONS);
    const writer = await Writer.of(storage);
    await writer.write({ twins: [twinOf()], journal: [journalOf()] });
    const next = writer.next({
      twins: [twinOf({ revision: 2 })],
      journal: [journalOf({ revision: 2 })],
    });
    // Short limits, which the URL may set, so that the test is short
    await using hasty = await openPostgres(`${server.url}?query_timeout=300`, CONTRACT_OPTIONS);
    const sessions = await ask<{ pid: number }>(
      'SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()',
      server.url,
    );
    const processes = [pid, ...sessions.map((session) => session.pid)];
    for (const each of processes) signal(each, 'SIGSTOP');
    try {
      // the second try needs a new connection: making one has its limit, too
      await expect(hasty.commit(next)).rejects.toMatchObject({ code: 'storage-unavailable' });
      await expect(hasty.commit(next)).rejects.toMatchObject({ code: 'storage-unavailable' });
    } finally {
      for (const each of processes) signal(each, 'SIGCONT');
    }
    await untilAvailable(() => hasty.commit(next));
    await untilAvailable(() => hasty.ping());
    expect(await storage.readJournal(ADDRESS, 0, 10)).toHaveLength(2);
    expect((await storage.readLog(0, 10)).map(({ seq }) => seq)).toEqual([1, 2]);
  });

  test('refuses to open where no server listens', async () => {
    await expect(
      openPostgres('postgres://x:y@127.0.0.1:1/z', CONTRACT_OPTIONS),
    ).rejects.toMatchObject({
      code: 'storage-unavailable',
      hint: expect.any(String),
    });
  });

  test('says that a password or database is wrong, rather than to try again', async () => {
    const wrong = new URL(database.url);
    wrong.pathname = '/there_is_no_such_database';
    await expect(openPostgres(wrong.href, CONTRACT_OPTIONS)).rejects.toMatchObject({
      code: 'bad-input',
      retryable: false,
    });
  });
});

describe('PostgreSQL at its work', () => {
  test('updates a twin without touching an index (HOT)', async () => {
    // Of its own: sessions that others begin keep what is outdated from being pruned
    await using server = await startPostgres();
    await using storage = await openPostgres(server.url, CONTRACT_OPTIONS);
    const writer = await Writer.of(storage);
    const twins = Array.from({ length: 200 }, (_, n) => twinOf({ twin: `t${n}`, wakeAt: NOW + n }));
    for (let revision = 1; revision <= 20; revision++) {
      await writer.write({
        twins: twins.map((twin) => ({ ...twin, revision, updatedAt: NOW + revision })),
      });
    }
    const count = () =>
      ask<{ updates: string; hot: string }>(
        `SELECT n_tup_upd AS updates, n_tup_hot_upd AS hot FROM pg_stat_user_tables WHERE relname = 'twin'`,
        server.url,
      );
    await storage[Symbol.asyncDispose](); // a session reports its counts when it ends, at the latest
    const counted = await vi.waitFor(async () => {
      const [row] = await count();
      expect(Number(row?.updates)).toBe(19 * 200);
      return row;
    });
    expect(Number(counted?.hot)).toBeGreaterThan(0.95 * 19 * 200);
  });

  test('uses the index for what is due', async () => {
    await using storage = await openFresh();
    await storage.ping();
    const plan = await ask<{ 'QUERY PLAN': string }>(
      `EXPLAIN SELECT home, twin, wake_at FROM twin WHERE wake_at <= 1
       AND (wake_at, home, twin) > (0, 'a', 'b') ORDER BY wake_at, home, twin LIMIT 10`,
      // the planner reads an empty table whole
      `${database.url}?options=-c%20enable_seqscan%3Doff`,
    );
    expect(plan.map((line) => line['QUERY PLAN']).join('\n')).toContain('twin_wake');
  });

  test('makes the partitions of this week and the next four, each Monday to Monday', async () => {
    await using storage = await openFresh();
    await storage.maintain({
      ...{ now: NOW, journalBefore: 0, rollupsBefore: 0, endedBefore: 0 },
      readUpTo: Number.MAX_SAFE_INTEGER,
    });
    const partitions = await ask<{ name: string }>(
      `SELECT relname AS name FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
       WHERE inhparent = 'journal'::regclass ORDER BY relname`,
    );
    expect(partitions.map(({ name }) => name)).toEqual([
      'journal_20260105',
      'journal_20260112',
      'journal_20260119',
      'journal_20260126',
      'journal_20260202',
    ]);
    expect(weekOf(NOW)).toEqual({ name: 'journal_20260105', from: NOW, to: NOW + 7 * 86_400_000 });
    expect(weekOf(NOW - 1).name).toBe('journal_20251229');
    expect(weekOf(0).name).toBe('journal_19691229');
  });

  test('keeps a half-full week, whatever lies in it', async () => {
    await using storage = await openFresh();
    await (await Writer.of(storage)).write({ twins: [twinOf()], journal: [journalOf()] });
    const retention = {
      ...{ now: NOW, rollupsBefore: 0, endedBefore: 0 },
      readUpTo: Number.MAX_SAFE_INTEGER,
    };
    await storage.maintain({ ...retention, journalBefore: NOW + 6 * 86_400_000 });
    expect(await storage.readJournal(ADDRESS, 0, 10)).toHaveLength(1);
  });

  test('lets commits of several shards make the same partition at once', async () => {
    await using storage = await openFresh();
    const lease = await storage.acquire('test', WRITERS, 0);
    await Promise.all(
      Array.from({ length: WRITERS }, (_, index) =>
        new Writer(storage, lease.epoch, index).write({
          journal: [journalOf({ home: `h${index}` })],
        }),
      ),
    );
    for (let index = 0; index < WRITERS; index++) {
      expect(await storage.readJournal({ home: `h${index}`, twin: 't' }, 0, 10)).toHaveLength(1);
    }
  });
});

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // a session that has ended meanwhile
  }
}
