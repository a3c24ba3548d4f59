import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Retention } from '../port.ts';
import type { Connection } from './connection.ts';
import { SEQ } from './log.ts';

/** Small enough that a commit in between waits for milliseconds only. */
const CHUNK = 1_000;

const OLDEST = `SELECT position, home, twin, revision, received_at AS "receivedAt", ${SEQ} AS "seq"
  FROM journal ORDER BY position LIMIT ?`;
// from the twin's own row: the state that all of its journal leads to
const CHECKPOINT_IF_NEEDED = `INSERT INTO checkpoint (home, twin, revision, kind, version, state, at)
  SELECT home, twin, revision, kind, version, state, updated_at FROM twin
  WHERE home = @home AND twin = @twin AND NOT EXISTS (
    SELECT 1 FROM checkpoint AS c WHERE c.home = @home AND c.twin = @twin AND c.revision >= @revision)
  ON CONFLICT DO NOTHING`;
const DELETE_JOURNAL = 'DELETE FROM journal WHERE position = ?';

// one is superseded once a newer one is old enough to begin from for all of the kept journal
const DELETE_CHECKPOINTS = `DELETE FROM checkpoint WHERE rowid IN (
  SELECT c.rowid FROM checkpoint AS c JOIN checkpoint AS newer
    ON newer.home = c.home AND newer.twin = c.twin AND newer.revision > c.revision AND newer.at < ?
  LIMIT ?)`;
const DELETE_ROLLUPS = `DELETE FROM rollup WHERE (home, twin, measurement, resolution, start) IN (
  SELECT home, twin, measurement, resolution, start FROM rollup
  WHERE resolution = '5m' AND start < ? LIMIT ?)`;
const DELETE_INTENTS = `DELETE FROM intent WHERE rowid IN (
  SELECT rowid FROM intent WHERE ended_at < ? LIMIT ?)`;
const DELETE_ALERTS = `DELETE FROM alert WHERE rowid IN (
  SELECT rowid FROM alert WHERE status = 'cleared' AND cleared_at < ? LIMIT ?)`;

interface Oldest {
  position: number;
  home: string;
  twin: string;
  revision: number;
  receivedAt: number;
  seq: number;
}

/** Deletes in chunks, each its own transaction, with the event loop's turn in between. */
export async function maintain(connection: Connection, retention: Retention): Promise<void> {
  await inChunks(() => deleteJournal(connection, retention));
  const deletions: [string, number][] = [
    [DELETE_CHECKPOINTS, retention.journalBefore],
    [DELETE_ROLLUPS, retention.rollupsBefore],
    [DELETE_INTENTS, retention.endedBefore],
    [DELETE_ALERTS, retention.endedBefore],
  ];
  for (const [sql, before] of deletions) await inChunks(() => connection.run(sql, before, CHUNK));
}

async function inChunks(deleteChunk: () => number): Promise<void> {
  while (deleteChunk() > 0) await nextTurn();
}

/**
 * Deletes from the oldest end. A row that a clock set wrongly ahead has put there waits for its time
 * and may hold back those after it; nothing is deleted early.
 */
function deleteJournal(
  connection: Connection,
  { journalBefore: before, readUpTo }: Retention,
): number {
  return connection.transaction(() => {
    const old = connection
      .all<Oldest>(OLDEST, CHUNK)
      .filter((row) => row.receivedAt < before && row.seq <= readUpTo);
    const latest = new Map<string, Oldest>();
    for (const row of old) {
      const key = `${row.home}/${row.twin}`;
      if (row.revision > (latest.get(key)?.revision ?? -1)) latest.set(key, row);
    }
    for (const { home, twin, revision } of latest.values()) {
      connection.run(CHECKPOINT_IF_NEEDED, { home, twin, revision });
    }
    for (const { position } of old) connection.run(DELETE_JOURNAL, position);
    return old.length;
  });
}
