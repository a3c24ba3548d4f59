import type { LogRow } from '../../model/rows.ts';
import { JOURNAL } from '../tables.ts';
import { type Connection, type Raw, readRow } from './connection.ts';

/** The expression as the index has it, which serves no other. */
export const SEQ = 'coalesce(seq, ceil(received_at))';

const ROWS = `SELECT ${JOURNAL.fields}, coalesce(writer, -1) AS "writer", ${SEQ} AS "seq" FROM journal`;

export const READ = `${ROWS} WHERE ${SEQ} > ? AND ${SEQ} <= ? ORDER BY ${SEQ}, position`;

export function readLog(connection: Connection, after: number, upTo: number): LogRow[] {
  return connection.all(READ, after, upTo).map(logRow);
}

export function readLogSlice(
  connection: Connection,
  after: number,
  upTo: number,
  limit: number,
): { rows: LogRow[]; upTo: number } {
  const rows = connection.all(`${READ} LIMIT ?`, ...[after, upTo, limit + 1]).map(logRow);
  const next = rows[limit];
  if (!next) return { rows, upTo };
  const whole = rows.filter(({ seq }) => seq < next.seq);
  if (whole.length > 0) return { rows: whole, upTo: next.seq - 1 };
  // Rows from before there were positions share them
  return { rows: readLog(connection, after, next.seq), upTo: next.seq };
}
/** The plus keeps it to the index of positions: that of the home's twins leads through all their turns. */
export const READ_HOME = `${ROWS} WHERE ${SEQ} >= ? AND ${SEQ} <= ? AND +home = ? ORDER BY ${SEQ}, position LIMIT ?`;

export function readHomeLog(
  connection: Connection,
  home: string,
  from: number,
  upTo: number,
  limit: number,
): { rows: LogRow[]; removedAt: number } {
  const removed = connection.get('SELECT removed_at_seq AS "at" FROM home WHERE id = ?', home);
  const rows = connection.all(READ_HOME, from, upTo, home, limit).map(logRow);
  return { rows, removedAt: Number(removed?.['at'] ?? 0) };
}

function logRow(raw: Raw): LogRow {
  return {
    ...readRow(JOURNAL, raw),
    writer: Number(raw['writer']),
    seq: Number(raw['seq']),
  };
}
