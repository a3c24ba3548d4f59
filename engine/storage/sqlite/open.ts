import type { Storage, StorageOptions } from '../port.ts';
import { deleteCandidate, getCandidate, listCandidates } from './candidates.ts';
import { commitBatch } from './commit.ts';
import { Connection } from './connection.ts';
import {
  countDeadLetters,
  deleteDeadLetter,
  getDeadLetter,
  keepDeadLetters,
  listDeadLetters,
  reviveDelivery,
} from './dead-letters.ts';
import { deleteHome, getHome, insertHome, listHomes, updateHome } from './homes.ts';
import { getAlert, getIntent, listAlerts, listIntents } from './intents.ts';
import {
  checkpointBefore,
  labelsSince,
  latestCheckpoint,
  listHomeTurns,
  listJournal,
  listRollups,
  listSamples,
  listTurns,
  momentBefore,
  readChanges,
  readJournal,
} from './journal.ts';
import { SqliteClaim } from './lease.ts';
import { migrateSqlite } from './migrate.ts';
import { outboxStats, pendingDeliveries, postpone, settle } from './outbox.ts';
import { makePrivate } from './private-files.ts';
import { beginStart, endStart } from './starts.ts';
import {
  countKinds,
  countTwins,
  deleteTwin,
  dueWakes,
  listRelations,
  listTwins,
  loadTwin,
  loadTwins,
} from './twins.ts';
import { maintain } from './upkeep.ts';

/**
 * Opens (or makes) a database file and brings it up to date. `:memory:` lives as long as its storage.
 * All verbs run on the one connection; they are `async` so that every failure is a rejection.
 */
export async function openSqlite(path: string, options: StorageOptions): Promise<Storage> {
  if (path !== ':memory:') makePrivate(path);
  const db = new Connection(path);
  try {
    migrateSqlite(db);
  } catch (error) {
    db[Symbol.dispose]();
    throw error;
  }
  const claim = new SqliteClaim(db, path);
  const perHome = options.deadLettersPerHome;
  return {
    dialect: 'sqlite',
    // one writer at a time is what SQLite can: a second shard would only wait
    shards: 1,
    acquire: (owner, writers, waitMs, epochStep) =>
      claim.acquire(owner, writers, waitMs, epochStep),

    load: async (addresses) => loadTwins(db, addresses),
    commit: async (commit) => commitBatch(db, commit, perHome),
    dueWakes: async (until, limit, after) => dueWakes(db, until, limit, after),

    pendingDeliveries: async (after, limit) => pendingDeliveries(db, after, limit),
    settle: async (settlements) => settle(db, settlements, perHome),
    postpone: async (postponed) => postpone(db, postponed),
    outboxStats: async () => outboxStats(db),

    listHomes: async (page) => listHomes(db, page),
    getHome: async (id) => getHome(db, id),
    insertHome: async (home) => insertHome(db, home),
    updateHome: async (home) => updateHome(db, home),
    deleteHome: async (id) => deleteHome(db, id),

    listTwins: async (home, filter, page) => listTwins(db, home, filter, page),
    getTwin: async (address) => loadTwin(db, address),
    deleteTwin: async (address) => deleteTwin(db, address),
    countTwins: async () => countTwins(db),
    countKinds: async (homes) => countKinds(db, homes),
    listRelations: async (homes, name) => listRelations(db, homes, name),
    listJournal: async (address, page) => listJournal(db, address, page),
    listTurns: async (address, range, filter, limit) =>
      listTurns(db, address, range, filter, limit),
    listHomeTurns: async (home, from, before, filter, limit) =>
      listHomeTurns(db, home, from, before, filter, limit),
    momentBefore: async (home, before, skipped) => momentBefore(db, home, before, skipped),
    readJournal: async (address, from, limit) => readJournal(db, address, from, limit),
    latestCheckpoint: async (address, upTo) => latestCheckpoint(db, address, upTo ?? null),
    checkpointBefore: async (address, at) => checkpointBefore(db, address, at),
    readChanges: async (address, from, limit) => readChanges(db, address, from, limit),
    labelsSince: async () => labelsSince(db),
    listSamples: async (query, limit) => listSamples(db, query, limit),
    listRollups: async (query, resolution, limit) => listRollups(db, query, resolution, limit),
    listIntents: async (home, filter, page) => listIntents(db, home, filter, page),
    getIntent: async (home, id) => getIntent(db, home, id),
    listAlerts: async (home, filter, page) => listAlerts(db, home, filter, page),
    getAlert: async (home, id) => getAlert(db, home, id),

    insertDeadLetters: async (rows) => db.transaction(() => keepDeadLetters(db, rows, perHome)),
    listDeadLetters: async (home, page) => listDeadLetters(db, home, page),
    getDeadLetter: async (id) => getDeadLetter(db, id),
    deleteDeadLetter: async (id) => deleteDeadLetter(db, id),
    reviveDelivery: async (deadLetterId, row) => reviveDelivery(db, deadLetterId, row),
    countDeadLetters: async () => countDeadLetters(db),
    listCandidates: async (home, page) => listCandidates(db, home, page),
    getCandidate: async (address) => getCandidate(db, address),
    deleteCandidate: async (address) => deleteCandidate(db, address),

    beginStart: async (id, at) => beginStart(db, id, at),
    endStart: async (id) => endStart(db, id),

    maintain: (retention) => maintain(db, retention),
    ping: async () => void db.get('SELECT 1'),

    [Symbol.asyncDispose]: async () => {
      claim.release();
      db[Symbol.dispose]();
    },
  };
}
