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
