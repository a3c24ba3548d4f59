import type { OnMigration } from '../migrations.ts';
import type { Storage, StorageOptions } from '../port.ts';
import { deleteCandidate, getCandidate, listCandidates } from './candidates.ts';
import { Committer } from './commit.ts';
import { saveCursors } from './cursors.ts';
import { Database } from './database.ts';
import {
  countDeadLetters,
  deleteDeadLetter,
  getDeadLetter,
  insertDeadLetters,
  listDeadLetters,
  reviveDelivery,
} from './dead-letters.ts';
import { deleteHome, getHome, insertHome, listHomes, updateHome } from './homes.ts';
import {
  getAlert,
  getEndedIntent,
  listAlerts,
  listEndedIntents,
  listOpenCommands,
} from './intents.ts';
import {
  checkpointBefore,
  labelsSince,
  latestCheckpoint,
  listHomeTurns,
  listJournal,
  listRollups,
  listTurns,
  momentBefore,
  readChanges,
  readJournal,
} from './journal.ts';
import { PostgresLease } from './lease.ts';
import { LogReads } from './log.ts';
import { migratePostgres } from './migrate.ts';
import { endDeliveries, listParked, listParkedOf, park, parkedStats } from './parked.ts';
import {
  beginGeneration,
  dropGenerations,
  endGeneration,
  listGenerations,
  listProjected,
  project,
  readProjected,
  retireProjections,
  switchGeneration,
} from './projections.ts';
import { listSamples } from './samples.ts';
import { beginStart, endStart } from './starts.ts';
import {
  countKinds,
  countTwins,
  deleteTwin,
  dueWakes,
  getTwin,
  listRelations,
  listTwins,
  loadTwins,
} from './twins.ts';
import { maintain } from './upkeep.ts';

/** Commits of different shards overlap here: while one waits for the disk, another is computed. */
const SHARDS = 2;

/** Connects to a database and brings it up to date. */
export async function openPostgres(
  url: string,
  options: StorageOptions,
  onMigration: OnMigration = () => {},
): Promise<Storage> {
  const db = new Database(url);
  try {
    await migratePostgres(db, onMigration);
  } catch (error) {
    await db[Symbol.asyncDispose]();
    throw error;
  }
  const perHome = options.deadLettersPerHome;
  const committer = new Committer(db, perHome);
  const log = new LogReads(db);
  const leases = new Set<PostgresLease>();
  return {
    dialect: 'postgres',
    shards: SHARDS,
    acquire: async (owner, writers, waitMs, epochStep) => {
      const lease = await PostgresLease.acquire(db, owner, writers, waitMs, epochStep);
      leases.add(lease);
      return lease;
    },

    load: (addresses) => loadTwins(db, addresses),
    commit: (commit) => committer.commit(commit),
    dueWakes: (until, limit, after) => dueWakes(db, until, limit, after),

    readLog: (after, upTo) => log.read(after, upTo),
    readHomeLog: (home, from, upTo, limit) => log.home(home, from, upTo, limit),
    readLogSlice: (after, upTo, limit) => log.slice(after, upTo, limit),
    saveCursors: (epoch, cursors) => saveCursors(db, epoch, cursors),

    listGenerations: () => listGenerations(db),
    beginGeneration: (name, version, at) => beginGeneration(db, name, version, at),
    endGeneration: (name, generation) => endGeneration(db, name, generation),
    retireProjections: (except) => retireProjections(db, except),
    switchGeneration: (epoch, name, generation, at) =>
      switchGeneration(db, epoch, name, generation, at),
    readProjected: (name, generation, keys) => readProjected(db, name, generation, keys),
    project: (step) => project(db, step),
    dropGenerations: (limit) => dropGenerations(db, limit),
    listProjected: (query, limit) => listProjected(db, query, limit),

    listParked: (after, limit) => listParked(db, after, limit),
    listParkedOf: (destination, twins, most) => listParkedOf(db, destination, twins, most),
    park: (epoch, rows) => park(db, epoch, rows),
    endDeliveries: (epoch, ids, letters) => endDeliveries(db, epoch, ids, letters, perHome),
    parkedStats: () => parkedStats(db),

    listHomes: (page) => listHomes(db, page),
    getHome: (id) => getHome(db, id),
    insertHome: (home) => insertHome(db, home),
    updateHome: (home) => updateHome(db, home),
    deleteHome: (id) => deleteHome(db, id),

    listTwins: (home, filter, page) => listTwins(db, home, filter, page),
    getTwin: (address) => getTwin(db, address),
    deleteTwin: (address) => deleteTwin(db, address),
    countTwins: () => countTwins(db),
    countKinds: (homes) => countKinds(db, homes),
    listRelations: (homes, name) => listRelations(db, homes, name),
    listJournal: (address, page) => listJournal(db, address, page),
    listTurns: (address, range, filter, limit) => listTurns(db, address, range, filter, limit),
    listHomeTurns: (home, from, before, filter, limit) =>
      listHomeTurns(db, home, from, before, filter, limit),
    momentBefore: (home, before, skipped) => momentBefore(db, home, before, skipped),
    readJournal: (address, from, limit) => readJournal(db, address, from, limit),
    latestCheckpoint: (address, upTo) => latestCheckpoint(db, address, upTo ?? null),
    checkpointBefore: (address, at) => checkpointBefore(db, address, at),
    readChanges: (address, from, limit) => readChanges(db, address, from, limit),
    labelsSince: () => labelsSince(db),
    listSamples: (query, from, most) => listSamples(db, query, from, most),
    listRollups: (query, resolution, limit) => listRollups(db, query, resolution, limit),
    listEndedIntents: (home, filter, page) => listEndedIntents(db, home, filter, page),
    getEndedIntent: (home, id) => getEndedIntent(db, home, id),
    listOpenCommands: (home, twin) => listOpenCommands(db, home, twin),
    listAlerts: (home, filter, page) => listAlerts(db, home, filter, page),
    getAlert: (home, id) => getAlert(db, home, id),

    insertDeadLetters: (rows) => insertDeadLetters(db, rows, perHome),
    listDeadLetters: (home, page) => listDeadLetters(db, home, page),
    getDeadLetter: (id) => getDeadLetter(db, id),
    deleteDeadLetter: (id) => deleteDeadLetter(db, id),
    reviveDelivery: (deadLetterId, row) => reviveDelivery(db, deadLetterId, row),
    countDeadLetters: () => countDeadLetters(db),
    listCandidates: (home, page) => listCandidates(db, home, page),
    getCandidate: (address) => getCandidate(db, address),
    deleteCandidate: (address) => deleteCandidate(db, address),

    beginStart: (id, at) => beginStart(db, id, at),
    endStart: (id) => endStart(db, id),

    maintain: (retention) => maintain(db, retention),
    ping: () => db.ping(),

    [Symbol.asyncDispose]: async () => {
      await Promise.all([...leases].map((lease) => lease[Symbol.asyncDispose]()));
      // Its connections end, whatever they wait for
      await db[Symbol.asyncDispose]();
      await log[Symbol.asyncDispose]();
    },
  };
}
