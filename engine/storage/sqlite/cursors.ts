import type { Cursors } from '../port.ts';
import type { Connection } from './connection.ts';

/** The cursors of a writer with `@cursors`: of each destination the greater one. */
export const MERGED = `CASE WHEN @cursors IS NULL THEN cursors ELSE (
    SELECT json_group_object(key, value) FROM (
      SELECT key, max(value) AS value FROM (
        SELECT key, value FROM json_each(coalesce(cursors, '{}'))
        UNION ALL SELECT key, value FROM json_each(@cursors))
      GROUP BY key)) END`;

export function saveCursors(
  connection: Connection,
  epoch: number,
  cursors: ReadonlyMap<number, Cursors>,
): void {
  connection.transaction(() => {
    for (const [writer, of] of cursors) {
      connection.run(
        `UPDATE writer SET cursors = ${MERGED} WHERE shard = @writer AND epoch = @epoch`,
        { cursors: JSON.stringify(of), writer, epoch },
      );
    }
  });
}
