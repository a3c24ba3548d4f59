import type { LogRow } from '../../rows.ts';
import type { Cursors } from '../port.ts';
import { JOURNAL } from '../tables.ts';
import { type Connection, readRow } from './connection.ts';

/** As the index has it, which serves no other expression. */
export const SEQ = 'coalesce(seq, ceil(received_at))';

export function readLog(connection: Connection, after: number, upTo: number): LogRow[] {
  return connection
    .all(
      `SELECT ${JOURNAL.fields}, coalesce(writer, -1) AS "writer", ${SEQ} AS "seq" FROM journal
       WHERE ${SEQ} > ? AND ${SEQ} <= ? ORDER BY ${SEQ}, position`,
      after,
      upTo,
    )
    .map((raw) => ({
      ...readRow(JOURNAL, raw),
      writer: Number(raw['writer']),
      seq: Number(raw['seq']),
    }));
}

export function saveCursors(
  connection: Connection,
  epoch: number,
  cursors: ReadonlyMap<number, Cursors>,
): void {
  connection.transaction(() => {
    for (const [writer, of] of cursors) {
      connection.run(
        'UPDATE writer SET cursors = ? WHERE shard = ? AND epoch = ?',
        JSON.stringify(of),
        writer,
        epoch,
      );
    }
  });
}
