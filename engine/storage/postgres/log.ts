import type pg from 'pg';
import type { LogRow } from '../../rows.ts';
import type { Cursors } from '../port.ts';
import { JOURNAL } from '../tables.ts';
import type { Database, Statement } from './database.ts';

/** As the index has it, which serves no other expression. */
export const SEQ = 'coalesce(seq, ceil(received_at)::bigint)';

const ROWS = `SELECT ${JOURNAL.fields}, coalesce(writer, -1) AS writer, ${SEQ} AS seq FROM journal`;

export const READ: Statement = {
  name: 'read-log',
  text: `${ROWS} WHERE ${SEQ} > $1 AND ${SEQ} <= $2 ORDER BY ${SEQ}, home, twin, revision`,
};

export function readLog(database: Database, after: number, upTo: number): Promise<LogRow[]> {
  return database.query<LogRow>(READ, [after, upTo]);
}

/** That there are more than so many costs no more than to find these. */
const COUNT: Statement = {
  name: 'count-log',
  text: `SELECT count(*) AS count FROM (
    SELECT FROM journal WHERE ${SEQ} > $1 AND ${SEQ} <= $2 LIMIT $3::bigint + 1) AS found`,
};
/** How much wider the next range is at most where one held little. */
const WIDEST = 64;

/**
 * Brings the index over block ranges up to the last rows. The server does so by itself only when it vacuums; until then
 * every read of the log looks through all rows that came since.
 */
export async function summarizeLog(client: pg.ClientBase): Promise<void> {
  await client.query(`SELECT brin_summarize_new_values(inhrelid) FROM pg_inherits
    WHERE inhparent = 'journal_log'::regclass`);
}

/**
 * The index over block ranges finds the rows of a range, but not which are next: a range is made wider until it
 * has half of what is wanted, and narrower until it has no more. Rows from before there were positions lie far apart.
 */
export async function readLogSlice(
  database: Database,
  after: number,
  upTo: number,
  limit: number,
): Promise<{ rows: LogRow[]; upTo: number }> {
  // Who begins at the beginning reads all of it
  if (after === 0) await database.upkeep(summarizeLog);
  return await database.transaction(async (query) => {
    // For a few rows of many the planner would read another index from its beginning
    await query({ text: 'SET LOCAL enable_indexscan = off' });
    await query({ text: 'SET LOCAL enable_indexonlyscan = off' });
    let narrowed = false;
    for (let from = after, width = limit; ; ) {
      const to = Math.min(from + width, upTo);
      const [found] = await query<{ count: number }>(COUNT, [from, to, limit]);
      const count = found?.count ?? 0;
      if (count > limit && to - from > 1) {
        width = Math.ceil((to - from) / 2);
        narrowed = true;
      } else if (to === upTo || count >= limit / 2 || (narrowed && count > 0)) {
        return { rows: await query<LogRow>(READ, [from, to]), upTo: to };
      } else {
        if (count === 0) from = to;
        if (!narrowed) width *= Math.min(WIDEST, Math.ceil(limit / Math.max(1, count)));
      }
    }
  });
}

const REMOVED: Statement = {
  name: 'read-home-removed',
  text: 'SELECT removed_at_seq AS at FROM home WHERE id = $1',
};
export const READ_HOME: Statement = {
  name: 'read-home-log',
  text: `${ROWS} WHERE ${SEQ} >= $2 AND ${SEQ} <= $3 AND home = $1 ORDER BY ${SEQ}, home, twin, revision LIMIT $4`,
};

export async function readHomeLog(
  database: Database,
  home: string,
  from: number,
  upTo: number,
  limit: number,
): Promise<{ rows: LogRow[]; removedAt: number }> {
  const rows = await database.query<LogRow>(READ_HOME, [home, from, upTo, limit]);
  // Afterwards: what was removed before the rows were read shows
  const [removed] = await database.query<{ at: number | null }>(REMOVED, [home]);
  return { rows, removedAt: removed?.at ?? 0 };
}

const SAVE: Statement = {
  name: 'save-cursors',
  text: `UPDATE writer SET cursors = new.cursors
    FROM unnest($2::integer[], $3::text[]::json[]) AS new(writer, cursors)
    WHERE shard = new.writer AND epoch = $1`,
};

export async function saveCursors(
  database: Database,
  epoch: number,
  cursors: ReadonlyMap<number, Cursors>,
): Promise<void> {
  if (cursors.size === 0) return;
  const texts = [...cursors.values()].map((one) => JSON.stringify(one));
  await database.query(SAVE, [epoch, [...cursors.keys()], texts]);
}
