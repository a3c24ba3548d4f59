import type { DeadLetterRow, DeliveryRow } from '../../model/rows.ts';
import { decodeCursor, toPage } from '../cursor.ts';
import type { Page, PageRequest } from '../port.ts';
import { DEAD_LETTER, PARKED } from '../tables.ts';
import { type Connection, insertInto, readRow, valuesOf } from './connection.ts';

const INSERT = `${insertInto(DEAD_LETTER)} ON CONFLICT (id) DO NOTHING`;
const REVIVE = `${insertInto(PARKED)} ON CONFLICT (id) DO NOTHING`;
const DELETE = 'DELETE FROM dead_letter WHERE id = ?';
const SELECT = `SELECT position, ${DEAD_LETTER.fields} FROM dead_letter`;
const PRUNE = `DELETE FROM dead_letter
  WHERE coalesce(home, '') = @home AND position <= (
    SELECT position FROM dead_letter WHERE coalesce(home, '') = @home
    ORDER BY position DESC LIMIT 1 OFFSET @keep)`;

/** Stores letters and forgets the oldest of each home beyond its bound. Runs in the caller's transaction. */
export function keepDeadLetters(
  connection: Connection,
  rows: readonly DeadLetterRow[],
  perHome: number,
): void {
  for (const row of rows) connection.run(INSERT, ...valuesOf(DEAD_LETTER, row));
  for (const home of new Set(rows.map((row) => row.home ?? ''))) {
    connection.run(PRUNE, { home, keep: perHome });
  }
}

export function listDeadLetters(
  connection: Connection,
  home: string | null,
  { limit, cursor }: PageRequest,
): Page<DeadLetterRow> {
  const after = decodeCursor<[number]>(cursor, ['number'])?.[0] ?? Number.MAX_SAFE_INTEGER;
  const raws =
    home === null
      ? connection.all(
          `${SELECT} WHERE position < ? ORDER BY position DESC LIMIT ?`,
          after,
          limit + 1,
        )
      : connection.all(
          `${SELECT} WHERE coalesce(home, '') = ? AND position < ? ORDER BY position DESC LIMIT ?`,
          home,
          after,
          limit + 1,
        );
  const { items, nextCursor } = toPage(raws, limit, (raw) => [Number(raw['position'])]);
  return { items: items.map((raw) => readRow(DEAD_LETTER, raw)), nextCursor };
}

export function getDeadLetter(connection: Connection, id: string): DeadLetterRow | null {
  const raw = connection.get(`${SELECT} WHERE id = ?`, id);
  return raw ? readRow(DEAD_LETTER, raw) : null;
}

export function deleteDeadLetter(connection: Connection, id: string): void {
  connection.run(DELETE, id);
}

export function reviveDelivery(
  connection: Connection,
  deadLetterId: string,
  row: DeliveryRow,
): void {
  connection.transaction(() => {
    connection.run(REVIVE, ...valuesOf(PARKED, row));
    connection.run(DELETE, deadLetterId);
  });
}

export function countDeadLetters(connection: Connection): number {
  return connection.get<{ count: number }>('SELECT count(*) AS count FROM dead_letter')?.count ?? 0;
}
