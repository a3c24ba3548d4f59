import { afterAll, beforeAll } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../testing/postgres.ts';
import { CONTRACT_OPTIONS } from '../contract/options.ts';
import { storageContract } from '../storage.contract.ts';
import { openPostgres } from './open.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());

storageContract('PostgreSQL', async () => {
  await database.reset();
  const storage = await openPostgres(database.url, CONTRACT_OPTIONS);
  return {
    storage,
    reopen: () => openPostgres(database.url, CONTRACT_OPTIONS),
    [Symbol.asyncDispose]: () => storage[Symbol.asyncDispose](),
  };
});
