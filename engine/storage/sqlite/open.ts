import type { OnMigration } from '../migrations.ts';
import type { Storage, StorageOptions } from '../port.ts';
import { encodeCommit } from './encoded-commit.ts';
import { SqliteClaim } from './lease.ts';
import { openConnection } from './open-connection.ts';
import { operationsOn, type SqliteOperations } from './operations.ts';
import { type BeginWorker, beginWorker, SqliteThread } from './thread.ts';

/**
 * Two where the connection has a thread of its own: one folds its batch while that of the other is stored. More gain
 * nothing, as one writer at a time is what SQLite can.
 */
const SHARDS = { inThread: 2, here: 1 };

/**
 * Opens (or makes) a database file and brings it up to date, in a thread of its own. `:memory:` lives as long as its
 * storage, in this thread: there are many of them, and none has a disk to wait for.
 * @param begin for tests: another thread
 */
export async function openSqlite(
  path: string,
  options: StorageOptions,
  onMigration: OnMigration = () => {},
  begin: BeginWorker = beginWorker,
): Promise<Storage> {
  if (path === ':memory:') {
    const db = openConnection(path, onMigration);
    const close = async () => db[Symbol.dispose]();
    return storageOf(path, { operations: operationsOn(db, options), shards: SHARDS.here, close });
  }
  const thread = await SqliteThread.open(path, () => begin({ path, options }), onMigration);
  const close = () => thread[Symbol.asyncDispose]();
  return storageOf(path, { operations: thread.operations, shards: SHARDS.inThread, close });
}

interface Parts {
  operations: SqliteOperations;
  shards: number;
  close: () => Promise<void>;
}

function storageOf(path: string, { operations, shards, close }: Parts): Storage {
  const { raiseEpoch, presentOwner, ...ofThePort } = operations;
  const claim = new SqliteClaim({ raiseEpoch, presentOwner }, path);
  return {
    ...ofThePort,
    dialect: 'sqlite',
    shards,
    acquire: (owner, writers, waitMs, epochStep) =>
      claim.acquire(owner, writers, waitMs, epochStep),
    commit: async (commit) => operations.commit(encodeCommit(commit)),
    [Symbol.asyncDispose]: async () => {
      try {
        await close();
      } finally {
        claim.release();
      }
    },
  };
}
