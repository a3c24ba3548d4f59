import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Projection } from '../log/projections/projection.ts';
import { startEngine } from '../testing/engine-bench.ts';
import { makeFormerSchema } from '../testing/former-schema.ts';
import { lamp } from '../testing/lamp.ts';
import { createBareDatabase, type TestDatabase } from '../testing/postgres.ts';
import { CONTRACT_OPTIONS as OPTIONS } from './contract/options.ts';
import { journalOf, NOW, twinOf } from './contract/sample-rows.ts';
import { Writer } from './contract/subject.ts';
import { pendingMigrations, readMigrations } from './migrations.ts';
import { openStorage } from './open.ts';
import { Database as ServerConnection } from './postgres/database.ts';
import { makePartitions, weekOf } from './postgres/partitions.ts';

test('both dialects have the same migrations, numbered without a gap', () => {
  const names = readMigrations('sqlite').map((migration) => migration.name);
  expect(names).toEqual(readMigrations('postgres').map((migration) => migration.name));
  expect(names.map((name) => Number(name.slice(0, 4)))).toEqual(names.map((_name, at) => at + 1));
});

test('no file in the migration folders is overlooked', async () => {
  const folder = new URL('../../migrations/', import.meta.url);
  for (const dialect of ['sqlite', 'postgres'] as const) {
    const files = await readdir(new URL(dialect, folder));
    expect(readMigrations(dialect).map((migration) => migration.name)).toEqual(files.sort());
  }
});

test('only what is lacking is pending', () => {
  const files = ['0001-a.sql', '0002-b.sql'].map((name) => ({ name, checksum: name, sql: '' }));
  expect(pendingMigrations(files, [])).toEqual(files);
  expect(pendingMigrations(files, files.slice(0, 1))).toEqual(files.slice(1));
  expect(pendingMigrations(files, files)).toEqual([]);
});

/** A database whose rows a test may change behind the storage's back. */
interface Place {
  dialect: 'sqlite' | 'postgres';
  url(): string;
  reset(): Promise<void>;
  execute(sql: string): Promise<void>;
  /** Makes room in the journal for rows of a moment. */
  makeRoom(at: number): Promise<void>;
  false: string;
}

function migrationContract(name: string, place: Place): void {
  describe(name, () => {
    test('refuses a database that is newer than the code, and leaves it alone', async () => {
      await (await openStorage(place.url(), OPTIONS))[Symbol.asyncDispose]();
      await place.execute(
        `INSERT INTO schema_migration (name, checksum) VALUES ('9999-later.sql', 'x')`,
      );
      await expect(openStorage(place.url(), OPTIONS)).rejects.toMatchObject({
        code: 'database-too-new',
        hint: expect.stringContaining('newer'),
      });
      await place.execute(`DELETE FROM schema_migration WHERE name = '9999-later.sql'`);
      await (await openStorage(place.url(), OPTIONS))[Symbol.asyncDispose]();
    });

    test('a database from before the log keeps its journal as the log’s beginning, and what waited as parked', async () => {
      await place.reset();
      await makeFormerSchema(place.dialect, '0009', place.execute);
      await place.makeRoom(NOW);
      const columns = 'home, twin, revision, at, received_at, event, event_id, source';
      for (const [twin, revision, at] of [
        ['a', 0, NOW],
        ['b', 0, NOW + 0.5],
        ['a', 1, NOW + 2],
      ]) {
        await place.execute(`INSERT INTO journal (${columns}, correlation, principal, dedupe, late, effects)
          VALUES ('h', '${twin}', ${revision}, ${at}, ${at}, '{"type": "x"}', 'e', 'mqtt', 'c', 'p', ${place.false}, ${place.false}, '[]')`);
      }
      await place.execute(`INSERT INTO outbox (id, home, twin, destination, delivery, created_at, attempts, not_before)
        VALUES ('h/a@1#0', 'h', 'a', 'mqtt', '{"type": "desired"}', ${NOW}, 2, ${NOW})`);
      for (const [id, status, ended] of [
        ['open', 'sent', 'NULL'],
        ['ended', 'confirmed', NOW],
      ]) {
        await place.execute(`INSERT INTO intent (id, home, twin, name, args, status, created_at, expires_at, ended_at, cause, correlation, principal)
          VALUES ('${id}', 'h', 'a', 'n', '{}', '${status}', ${NOW}, ${NOW}, ${ended}, 'e', 'c', 'p')`);
      }
      await place.execute(`INSERT INTO writer (shard, epoch, seq, owner) VALUES (0, 5, 12, 'x')`);

      await using storage = await openStorage(place.url(), OPTIONS);
      const log = await storage.readLog(0, NOW + 10);
      expect(log.map(({ writer, seq, twin, revision }) => [writer, seq, twin, revision])).toEqual([
        [-1, NOW, 'a', 0],
        [-1, NOW + 1, 'b', 0],
        [-1, NOW + 2, 'a', 1],
      ]);
      expect(await storage.listParked(0, 10)).toMatchObject([
        { row: { id: 'h/a@1#0', attempts: 2, destination: 'mqtt' } },
      ]);
      const { items } = await storage.listEndedIntents('h', {}, { limit: 10 });
      expect(items.map(({ id }) => id)).toEqual(['ended']);
      await using lease = await storage.acquire('test', 2, 0);
      expect(lease.writers).toEqual([
        { writer: 0, seq: NOW + 2, cursors: {} },
        { writer: 1, seq: NOW + 2, cursors: {} },
      ]);
      await new Writer(storage, lease.epoch).write({ seq: NOW + 3, journal: [journalOf()] });
      expect((await storage.readLog(NOW + 2, NOW + 9)).map(({ writer }) => writer)).toEqual([0]);
    });

    test('knows from when on turns say which labels they changed', async () => {
      await place.reset();
      const before = await openStorage(place.url(), OPTIONS);
      const writer = await Writer.of(before);
      await writer.write({ twins: [twinOf({ updatedAt: NOW })], journal: [journalOf()] });
      await before[Symbol.asyncDispose]();
      await place.execute(`DROP INDEX journal_change; DROP INDEX journal_home; DROP INDEX journal_tardy;
        DROP TABLE history_start;
        ALTER TABLE journal DROP COLUMN reported;
        DELETE FROM schema_migration WHERE name = '0010-history.sql'`);
      await using after = await openStorage(place.url(), OPTIONS);
      expect(await after.labelsSince()).toBe(NOW);
      expect(await after.readJournal({ home: 'h', twin: 't' }, 0, 9)).toEqual([journalOf()]);
    });

    test('a database from before projections has them built from the journal that it has', async () => {
      await place.reset();
      const before = await openStorage(place.url(), OPTIONS);
      const first = await startEngine({ kinds: [lamp], storage: before });
      const homes = ['h1', 'h2', 'h3'];
      // More at one moment than are read at once
      await Promise.all(
        Array.from({ length: 900 }, (_, n) =>
          first.send('a', { type: 'telemetry', power: n }, { home: homes[n % 3] ?? '' }),
        ),
      );
      await first.pass(86_400_000);
      await first.send('a', { type: 'telemetry', power: 1 });
      await first.engine[Symbol.asyncDispose]();
      await before[Symbol.asyncDispose]();
      // As it was before turns had positions, too
      await place.execute(`DROP TABLE projection; DROP TABLE projection_row;
        DELETE FROM schema_migration WHERE name = '0012-projections.sql';
        UPDATE journal SET seq = NULL, writer = NULL;
        UPDATE writer SET seq = (SELECT max(received_at) FROM journal), cursors = NULL`);
      await using after = await openStorage(place.url(), OPTIONS);
      const revisions: Record<string, number[]> = {};
      const seen: Projection = {
        ...{ name: 'seen', version: 1 },
        keysOf: () => [{ of: 'home', key: 'count' }],
        apply(value, { home, twin, revision }) {
          const key = `${home}/${twin}`;
          revisions[key] = [...(revisions[key] ?? []), revision];
          return Number(value ?? 0) + 1;
        },
      };
      const clock = first.clock;
      await using second = await startEngine({
        ...{ kinds: [lamp], storage: after, clock, projections: [seen] },
      });
      await second.engine.idle();
      expect(await second.engine.listProjections()).toMatchObject([
        { status: 'active', progress: 1, since: Date.parse('2026-01-05T00:00:00Z') },
      ]);
      for (const home of homes) {
        const turns = await after.readJournal({ home, twin: 'a' }, 0, 10_000);
        expect(revisions[`${home}/a`]).toEqual(turns.map(({ revision }) => revision));
        const query = { name: 'seen', home, twin: '', from: '', to: '~', after: null };
        expect(await after.listProjected(query, 9)).toMatchObject([{ value: turns.length }]);
      }
    });

    test('refuses a database that was made from other files', async () => {
      await (await openStorage(place.url(), OPTIONS))[Symbol.asyncDispose]();
      await place.execute(`UPDATE schema_migration SET checksum = 'other'`);
      await expect(openStorage(place.url(), OPTIONS)).rejects.toMatchObject({
        code: 'migration-failed',
      });
    });
  });
}

describe('migrating', () => {
  let folder: string;
  let file = 0;
  let database: TestDatabase;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'homeostat-migrations-'));
    database = await createBareDatabase();
  });
  afterAll(async () => {
    await rm(folder, { recursive: true });
    await database[Symbol.asyncDispose]();
  });
  const path = () => join(folder, `${file}.db`);

  migrationContract('SQLite', {
    dialect: 'sqlite',
    false: '0',
    makeRoom: async () => {},
    reset: async () => {
      file++;
    },
    url: () => `sqlite:${path()}`,
    execute: async (sql) => {
      const raw = new Database(path());
      raw.exec(sql);
      raw.close();
    },
  });
  migrationContract('PostgreSQL', {
    dialect: 'postgres',
    false: 'false',
    makeRoom: async (at) => {
      await using server = new ServerConnection(database.url);
      await server.transaction((query) => makePartitions(query, [weekOf(at)]));
    },
    reset: () => database.reset(),
    url: () => database.url,
    execute: async (sql) => {
      const client = new pg.Client({ connectionString: database.url });
      await client.connect();
      await client.query(sql);
      await client.end();
    },
  });

  test('two may start on an empty PostgreSQL at once', async () => {
    await database.reset();
    const opened = await Promise.all([1, 2, 3].map(() => openStorage(database.url, OPTIONS)));
    for (const storage of opened) {
      expect(await storage.countTwins()).toBe(0);
      await storage[Symbol.asyncDispose]();
    }
  });

  test('an SQLite database may be opened twice', async () => {
    file++;
    await using first = await openStorage(`sqlite:${path()}`, OPTIONS);
    await using second = await openStorage(`sqlite://${path()}`, OPTIONS);
    expect(
      await first.insertHome({
        id: 'h',
        incarnation: '',
        name: 'H',
        timezone: 'UTC',
        createdAt: 1,
      }),
    ).toBe(true);
    expect(await second.getHome('h')).not.toBeNull();
  });
});

describe('a database URL', () => {
  test.each(['', 'mysql://localhost/x', 'homeostat.db', 'sqlite:', 'postgres:x'])(
    '%j is refused with the forms that are understood',
    async (url) => {
      await expect(openStorage(url, OPTIONS)).rejects.toMatchObject({
        code: 'bad-input',
        hint: expect.stringContaining('sqlite:'),
      });
    },
  );

  test('does not show its password when it is refused', async () => {
    await expect(openStorage('mysql://me:secret@host/x', OPTIONS)).rejects.toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('secret') }),
    );
  });

  test('of an SQLite file makes the folders above it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'homeostat-folders-'));
    const storage = await openStorage(`sqlite:${join(folder, 'a', 'b', 'x.db')}`, OPTIONS);
    await storage.ping();
    await storage[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  test('of an SQLite file below something that is no folder says so', async () => {
    const file = fileURLToPath(import.meta.url);
    await expect(openStorage(`sqlite:${file}/data/x.db`, OPTIONS)).rejects.toMatchObject({
      code: 'storage-unavailable',
      hint: expect.any(String),
    });
  });
});
