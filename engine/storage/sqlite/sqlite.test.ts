import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CONTRACT_OPTIONS } from '../contract/options.ts';
import { storageContract } from '../storage.contract.ts';
import { openSqlite } from './open.ts';

storageContract('SQLite in a file, in a thread of its own', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'homeostat-sqlite-'));
  const path = join(folder, 'homeostat.db');
  const storage = await openSqlite(path, CONTRACT_OPTIONS);
  return {
    storage,
    reopen: () => openSqlite(path, CONTRACT_OPTIONS),
    [Symbol.asyncDispose]: async () => {
      await storage[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    },
  };
});

storageContract('SQLite in memory, in this thread', async () => {
  const storage = await openSqlite(':memory:', CONTRACT_OPTIONS);
  return { storage, reopen: null, [Symbol.asyncDispose]: () => storage[Symbol.asyncDispose]() };
});
