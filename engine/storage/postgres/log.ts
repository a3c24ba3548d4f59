import type { LogRow } from '../../rows.ts';
import type { Cursors } from '../port.ts';
import { JOURNAL } from '../tables.ts';
import type { Database, Statement } from './database.ts';

/** As the index has it, which serves no other expression. */
export const SEQ = 'coalesce(seq, ceil(received_at)::bigint)';

const READ: Statement = {
  name: 'read-log',
  text: `SELECT ${JOURNAL.fields}, coalesce(writer, -1) AS writer, ${SEQ} AS seq FROM journal
    WHERE ${SEQ} > $1 AND ${SEQ} <= $2 ORDER BY ${SEQ}, home, twin, revision`,
};

export function readLog(database: Database, after: number, upTo: number): Promise<LogRow[]> {
  return database.query<LogRow>(READ, [after, upTo]);
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
