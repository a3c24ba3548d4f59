import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../testing/postgres.ts';
import { CONTRACT_OPTIONS as OPTIONS } from './contract/options.ts';
import { journalOf, NOW, twinOf } from './contract/sample-rows.ts';
import { Writer } from './contract/subject.ts';
import { pendingMigrations, readMigrations } from './migrations.ts';
import { openStorage } from './open.ts';

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
  url(): string;
  execute(sql: string): Promise<void>;
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

    test('knows from when on turns say which labels they changed', async () => {
      const before = await openStorage(place.url(), OPTIONS);
      const writer = await Writer.of(before);
      await writer.write({ twins: [twinOf({ updatedAt: NOW })], journal: [journalOf()] });
      await before[Symbol.asyncDispose]();
      await place.execute(`DROP INDEX journal_change; DROP INDEX journal_home; DROP INDEX journal_tardy;
        DROP TABLE history_start;
        ALTER TABLE journal DROP COLUMN reported;
        DELETE FROM schema_migration WHERE name = '0011-history.sql'`);
      await using after = await openStorage(place.url(), OPTIONS);
      expect(await after.labelsSince()).toBe(NOW);
      expect(await after.readJournal({ home: 'h', twin: 't' }, 0, 9)).toEqual([journalOf()]);
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
    database = await createTestDatabase();
  });
  afterAll(async () => {
    await rm(folder, { recursive: true });
    await database[Symbol.asyncDispose]();
  });
  const path = () => join(folder, `${file}.db`);

  migrationContract('SQLite', {
    url: () => `sqlite:${path()}`,
    execute: async (sql) => {
      const raw = new Database(path());
      raw.exec(sql);
      raw.close();
    },
  });
  migrationContract('PostgreSQL', {
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
