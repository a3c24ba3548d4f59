import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTick } from 'node:timers/promises';
import SqliteDatabase from 'better-sqlite3';
import { Kysely } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EngineError } from '../model/errors.ts';
import { withFailures } from './failures.ts';
import { sqliteDialect } from './sqlite.ts';

interface Tables {
  thing: { n: number };
}

describe('while somebody else writes to the file', () => {
  let folder: string;
  let other: SqliteDatabase.Database;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'homeostat-lock-'));
    other = new SqliteDatabase(join(folder, 'x.db'));
    other.pragma('journal_mode = WAL');
    other.exec('CREATE TABLE thing (n INTEGER NOT NULL)');
    other.exec('BEGIN IMMEDIATE');
  });
  afterEach(() => {
    other.close();
    rmSync(folder, { recursive: true });
  });

  function open(patienceMs?: number): Kysely<Tables> {
    const database = new SqliteDatabase(join(folder, 'x.db'), { timeout: 0 });
    const unavailable = (message: string) => new EngineError('storage-unavailable', message);
    const dialect = withFailures(sqliteDialect(database, patienceMs), { unavailable, gone: null });
    return new Kysely<Tables>({ dialect });
  }
  const WRITES: [string, (database: Kysely<Tables>) => Promise<unknown>][] = [
    ['a statement', (database) => database.insertInto('thing').values({ n: 1 }).execute()],
    [
      'a transaction',
      (database) =>
        database
          .transaction()
          .execute((writing) => writing.insertInto('thing').values({ n: 1 }).execute()),
    ],
  ];

  it.each(WRITES)(
    '%s waits, others have the process, and what is there can be read',
    async (_what, write) => {
      const database = open();
      let isWritten = false;
      const writing = write(database).then(() => {
        isWritten = true;
      });
      for (let turn = 0; turn < 20; turn++) await nextTick();
      expect(await database.selectFrom('thing').selectAll().execute()).toEqual([]);
      expect(isWritten).toBe(false);
      other.exec('ROLLBACK');
      await writing;
      expect(await database.selectFrom('thing').selectAll().execute()).toEqual([{ n: 1 }]);
      await database.destroy();
    },
  );

  it('the commit of a transaction waits, too', async () => {
    other.exec('ROLLBACK');
    const database = open();
    await database.transaction().execute(async (writing) => {
      await writing.insertInto('thing').values({ n: 1 }).execute();
      other.exec('BEGIN IMMEDIATE');
      void nextTick().then(() => other.exec('ROLLBACK'));
    });
    expect(await database.selectFrom('thing').selectAll().execute()).toEqual([{ n: 1 }]);
    await database.destroy();
  });

  it.each(WRITES)(
    '%s that has waited for too long says that the database is away',
    async (_what, write) => {
      const database = open(0);
      const failure = await write(database).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(EngineError);
      expect(failure).toMatchObject({ code: 'storage-unavailable' });
      await database.destroy();
    },
  );
});
