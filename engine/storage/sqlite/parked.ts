import type { Address } from '../../model/envelope.ts';
import type { DeadLetterRow, DeliveryRow } from '../../model/rows.ts';
import { assertEpoch } from '../fence.ts';
import { PARKED } from '../tables.ts';
import { type Connection, insertInto, readRow, valuesOf } from './connection.ts';
import { keepDeadLetters } from './dead-letters.ts';

const TWIN = 'SELECT 1 FROM twin WHERE home = ? AND twin = ?';
const DELETE = 'DELETE FROM parked WHERE id = ?';
// what is parked already keeps its place
const PARK = `${insertInto(PARKED)} ON CONFLICT (id) DO UPDATE SET
  attempts = excluded.attempts, not_before = excluded.not_before`;

export function listParked(
  connection: Connection,
  after: number,
  limit: number,
): { place: number; row: DeliveryRow }[] {
  return connection
    .all(
      `SELECT position, ${PARKED.fields} FROM parked WHERE position > ? ORDER BY position LIMIT ?`,
      after,
      limit,
    )
    .map((raw) => ({ place: Number(raw['position']), row: readRow(PARKED, raw) }));
}

/** Finds rows by the index that begins with the twin. */
export function listParkedOf(
  connection: Connection,
  destination: string,
  twins: readonly Address[],
  most: number,
): DeliveryRow[] {
  return twins.flatMap(({ home, twin }) =>
    connection
      .all(
        `SELECT ${PARKED.fields} FROM parked
         WHERE home = ? AND twin = ? AND destination = ? ORDER BY position LIMIT ?`,
        home,
        twin,
        destination,
        most,
      )
      .map((raw) => readRow(PARKED, raw)),
  );
}

const EPOCH = 'SELECT coalesce(max(epoch), 0) AS "epoch" FROM writer';

function assertPresent(connection: Connection, epoch: number): void {
  assertEpoch(epoch, connection.get<{ epoch: number }>(EPOCH)?.epoch);
}

export function park(connection: Connection, epoch: number, rows: readonly DeliveryRow[]): void {
  connection.transaction(() => {
    assertPresent(connection, epoch);
    for (const row of rows) connection.run(PARK, ...valuesOf(PARKED, row));
  });
}

export function endDeliveries(
  connection: Connection,
  epoch: number,
  ids: readonly string[],
  letters: readonly DeadLetterRow[],
  deadLettersPerHome: number,
): void {
  connection.transaction(() => {
    assertPresent(connection, epoch);
    for (const id of ids) connection.run(DELETE, id);
    // A twin that has been deleted meanwhile leaves none: its id may be somebody else's next
    const kept = letters.filter(({ home, twin }) => connection.get(TWIN, home, twin) !== undefined);
    keepDeadLetters(connection, kept, deadLettersPerHome);
  });
}

export function parkedStats(connection: Connection): { depth: number; oldestAt: number | null } {
  const stats = connection.get<{ depth: number; oldestAt: number | null }>(
    `SELECT count(*) AS "depth", min(created_at) AS "oldestAt" FROM parked`,
  );
  return stats ?? { depth: 0, oldestAt: null };
}
