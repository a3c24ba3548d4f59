import { afterAll, beforeAll } from 'vitest';
import { CONTRACT_OPTIONS } from '../storage/contract/options.ts';
import type { Storage } from '../storage/port.ts';
import { openPostgres } from '../storage/postgres/open.ts';
import { openSqlite } from '../storage/sqlite/open.ts';
import { createTestDatabase, type TestDatabase } from './postgres.ts';

/** Both stores, empty each time that one is opened, for `describe.each`. Call it once at the top of a file of tests. */
export function bothStores(): [name: string, open: () => Promise<Storage>][] {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database[Symbol.asyncDispose]());
  return [
    ['SQLite', () => openSqlite(':memory:', CONTRACT_OPTIONS)],
    [
      'PostgreSQL',
      async () => {
        await database.reset();
        return await openPostgres(database.url, CONTRACT_OPTIONS);
      },
    ],
  ];
}
