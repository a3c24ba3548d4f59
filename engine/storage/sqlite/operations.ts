import type { Storage, StorageOptions } from '../port.ts';
import { deleteCandidate, getCandidate, listCandidates } from './candidates.ts';
import { commitBatch } from './commit.ts';
import type { Connection } from './connection.ts';
import { saveCursors } from './cursors.ts';
import {
  countDeadLetters,
  deleteDeadLetter,
  getDeadLetter,
  keepDeadLetters,
  listDeadLetters,
  reviveDelivery,
} from './dead-letters.ts';
import type { EncodedCommit } from './encoded-commit.ts';
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
import { type Ownership, presentOwner, raiseEpoch } from './lease.ts';
import { readHomeLog, readLog, readLogSlice } from './log.ts';
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
  listRelations,
  listTwins,
  loadTwin,
  loadTwins,
} from './twins.ts';
import { maintain } from './upkeep.ts';

/** What of the port is statements on a connection, and what a claim asks of it. */
export interface SqliteOperations
  extends Omit<Storage, 'dialect' | 'shards' | 'acquire' | 'commit' | typeof Symbol.asyncDispose>,
    Ownership {
  commit(commit: EncodedCommit): Promise<void>;
}

/**
 * The one table of operations: what stands here can be asked of a thread, too, where arguments and answers are
 * copied (structured clone). They are `async` so that every failure is a rejection.
 */
export function operationsOn(
  db: Connection,
  { deadLettersPerHome: perHome }: StorageOptions,
): SqliteOperations {
  return {
    raiseEpoch: async (owner, writers, step) => raiseEpoch(db, owner, writers, step),
    presentOwner: async () => presentOwner(db),

    load: async (addresses) => loadTwins(db, addresses),
    commit: async (commit) => commitBatch(db, commit, perHome),
    dueWakes: async (until, limit, after) => dueWakes(db, until, limit, after),

    readLog: async (after, upTo) => readLog(db, after, upTo),
    readHomeLog: async (home, from, upTo, limit) => readHomeLog(db, home, from, upTo, limit),
    readLogSlice: async (after, upTo, limit) => readLogSlice(db, after, upTo, limit),
    saveCursors: async (epoch, cursors) => saveCursors(db, epoch, cursors),

    listGenerations: async () => listGenerations(db),
    beginGeneration: async (name, version, at) => beginGeneration(db, name, version, at),
    endGeneration: async (name, generation) => endGeneration(db, name, generation),
    retireProjections: async (except) => retireProjections(db, except),
    switchGeneration: async (epoch, name, generation, at) =>
      switchGeneration(db, epoch, name, generation, at),
    readProjected: async (name, generation, keys) => readProjected(db, name, generation, keys),
    project: async (step) => project(db, step),
    dropGenerations: async (limit) => dropGenerations(db, limit),
    listProjected: async (query, limit) => listProjected(db, query, limit),

    listParked: async (after, limit) => listParked(db, after, limit),
    listParkedOf: async (destination, twins, most) => listParkedOf(db, destination, twins, most),
    park: async (epoch, rows) => park(db, epoch, rows),
    endDeliveries: async (epoch, ids, letters) => endDeliveries(db, epoch, ids, letters, perHome),
    parkedStats: async () => parkedStats(db),

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
    listSamples: async (query, from, most) => listSamples(db, query, from, most),
    listRollups: async (query, resolution, limit) => listRollups(db, query, resolution, limit),
    listEndedIntents: async (home, filter, page) => listEndedIntents(db, home, filter, page),
    getEndedIntent: async (home, id) => getEndedIntent(db, home, id),
    listOpenCommands: async (home, twin) => listOpenCommands(db, home, twin),
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
  };
}
