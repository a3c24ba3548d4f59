import type { Storage, StorageOptions } from '../port.ts';
import { encodeCommit } from './encoded-commit.ts';
import { SqliteClaim } from './lease.ts';
import { openConnection } from './open-connection.ts';
import { SqliteThread } from './thread.ts';
import { type SqliteVerbs, verbsOn } from './verbs.ts';

/**
 * Opens (or makes) a database file and brings it up to date, in a thread of its own. `:memory:` lives as long as its
 * storage, in this thread: there are many of them, and none has a disk to wait for.
 */
export async function openSqlite(path: string, options: StorageOptions): Promise<Storage> {
  if (path === ':memory:') {
    const db = openConnection(path);
    return storageOf(path, verbsOn(db, options), async () => db[Symbol.dispose]());
  }
  const thread = await SqliteThread.open(path, options);
  return storageOf(path, thread.verbs, () => thread[Symbol.asyncDispose]());
}

function storageOf(path: string, verbs: SqliteVerbs, close: () => Promise<void>): Storage {
  const { raiseEpoch, presentOwner, ...ofThePort } = verbs;
  const claim = new SqliteClaim({ raiseEpoch, presentOwner }, path);
  return {
    ...ofThePort,
    dialect: 'sqlite',
    // one writer at a time is what SQLite can: a second shard would only wait
    shards: 1,
    acquire: (owner, writers, waitMs, epochStep) =>
      claim.acquire(owner, writers, waitMs, epochStep),
    commit: async (commit) => verbs.commit(encodeCommit(commit)),
    [Symbol.asyncDispose]: async () => {
      try {
        await close();
      } finally {
        claim.release();
      }
    },
  };
}
