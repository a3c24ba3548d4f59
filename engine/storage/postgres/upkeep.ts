import type pg from 'pg';
import type { Retention } from '../port.ts';
import { type Database, type Query, within } from './database.ts';
import { isCollision, isLockTimeout } from './failures.ts';
import { PARTITION_LOCK } from './locks.ts';
import { SEQ, summarizeLog } from './log.ts';
import { listPartitions, makePartitions, type Partition, weeksAhead } from './partitions.ts';

// one is superseded once a newer one is old enough to begin from for all of the kept journal
const DELETE_CHECKPOINTS = `DELETE FROM checkpoint AS old USING checkpoint AS newer
  WHERE newer.home = old.home AND newer.twin = old.twin
    AND newer.revision > old.revision AND newer.at < $1`;
const DELETE_ROLLUPS = `DELETE FROM rollup WHERE resolution = '5m' AND start < $1`;
const DELETE_INTENTS = 'DELETE FROM intent WHERE ended_at < $1';
const DELETE_ALERTS = `DELETE FROM alert WHERE status = 'cleared' AND cleared_at < $1`;

export async function maintain(database: Database, retention: Retention): Promise<void> {
  await database.upkeep(async (client) => {
    await within(client, (query) => makePartitions(query, weeksAhead(retention.now)));
    await dropOldPartitions(client, retention);
    await summarizeLog(client);
    const deletions: [string, number][] = [
      [DELETE_CHECKPOINTS, retention.journalBefore],
      [DELETE_ROLLUPS, retention.rollupsBefore],
      [DELETE_INTENTS, retention.endedBefore],
      [DELETE_ALERTS, retention.endedBefore],
    ];
    for (const [sql, before] of deletions) await client.query(sql, [before]);
  });
}

/** Oldest first, each in a transaction of its own. */
async function dropOldPartitions(
  client: pg.Client,
  { journalBefore: before, readUpTo }: Retention,
): Promise<void> {
  const partitions = await within(client, listPartitions);
  const old = partitions.filter(({ to }) => to <= before).sort((a, b) => a.from - b.from);
  for (const partition of old) {
    try {
      await within(client, (query) => drop(query, partition, readUpTo));
    } catch (error) {
      // someone reads it just now, or a commit writes into it: the next upkeep comes back for it
      if (!isLockTimeout(error) && !isCollision(error)) throw error;
    }
  }
}

/**
 * Checkpoints first, then the drop, as one transaction. The long part holds only writers of this very
 * partition off; the drop, which takes the whole journal's lock, is a matter of milliseconds and gives
 * up rather than making commits queue behind a long read.
 */
async function drop(query: Query, { name }: Partition, readUpTo: number): Promise<void> {
  await query({ text: 'SELECT pg_advisory_xact_lock($1)' }, [PARTITION_LOCK]);
  await query({ text: "SET LOCAL lock_timeout = '2s'" });
  await query({ text: `LOCK TABLE ${name} IN SHARE MODE` });
  // whoever has still to read it keeps it
  const unread = `SELECT FROM ${name} WHERE ${SEQ} > $1 LIMIT 1`;
  if ((await query({ text: unread }, [readUpTo])).length > 0) return;
  // from the twin's own row: the state that all of its journal leads to
  await query({
    text: `INSERT INTO checkpoint (home, twin, revision, kind, version, state, at)
      SELECT twin.home, twin.twin, twin.revision, kind, version, state, updated_at
      FROM (SELECT home, twin, max(revision) AS revision FROM ${name} GROUP BY home, twin) AS dropped
      JOIN twin ON twin.home = dropped.home AND twin.twin = dropped.twin
      WHERE NOT EXISTS (
        SELECT FROM checkpoint
        WHERE checkpoint.home = dropped.home AND checkpoint.twin = dropped.twin
          AND checkpoint.revision >= dropped.revision)
      ON CONFLICT DO NOTHING`,
  });
  await query({ text: `DROP TABLE ${name}` });
}
