import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Dialect } from 'kysely';
import { openStorage } from '../../engine/index.ts';
import type { ManualClock } from '../../engine/model/manual-clock.ts';
import { createTestDatabase } from '../../engine/testing/postgres.ts';
import { Identity, type IdentityOptions, openIdentityDatabase } from '../index.ts';

type Database = { url: string } & AsyncDisposable;

/** Both stores, brought up to date, with a database of their own. */
export const STORES: [string, () => Promise<Database>][] = [
  ['SQLite', async () => await upToDate(await temporaryFile())],
  ['PostgreSQL', makePostgres],
];

let ids = 0;

/** @param url default: SQLite in memory @param around stands between it and the store */
export async function openIdentity(
  clock: ManualClock,
  {
    url = 'sqlite::memory:',
    around,
    ...given
  }: Partial<IdentityOptions> & { url?: string; around?: (dialect: Dialect) => Dialect } = {},
): Promise<Identity> {
  return await Identity.open({
    database: openIdentityDatabase(url, around),
    clock,
    newId: () => `id-${++ids}`,
    bootstrapToken: 'the bootstrap token',
    jwtSecrets: ['a-secret-for-tests-of-more-than-32-characters'],
    issuer: 'test',
    write: () => {},
    onAuditFailure: (error) => {
      throw error;
    },
    announce: async () => {},
    ...given,
  });
}

export async function makePostgres(): Promise<Database> {
  return await upToDate(await createTestDatabase());
}

async function temporaryFile(): Promise<Database> {
  const folder = await mkdtemp(join(tmpdir(), 'homeostat-identity-'));
  return {
    url: `sqlite:${join(folder, 'homeostat.db')}`,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
}

async function upToDate(database: Database): Promise<Database> {
  const storage = await openStorage(database.url, { deadLettersPerHome: 10 });
  await storage[Symbol.asyncDispose]();
  return database;
}
