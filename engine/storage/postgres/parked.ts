import type { Address } from '../../model/envelope.ts';
import type { DeadLetterRow, DeliveryRow } from '../../model/rows.ts';
import { assertEpoch } from '../fence.ts';
import { type Column, DEAD_LETTER, PARKED } from '../tables.ts';
import { columnsOf, rowsFrom } from './columns.ts';
import type { Database, Statement, Value } from './database.ts';
import { keptLetters } from './dead-letters.ts';
import { inLockOrder } from './locks.ts';

const TWINS: Column[] = [
  { field: 'home', name: 'home', type: 'text' },
  { field: 'twin', name: 'twin', type: 'text' },
];

const LIST: Statement = {
  name: 'list-parked',
  text: `SELECT ${PARKED.fields}, position AS place FROM parked
         WHERE position > $1 ORDER BY position LIMIT $2`,
};

export async function listParked(
  database: Database,
  after: number,
  limit: number,
): Promise<{ place: number; row: DeliveryRow }[]> {
  const rows = await database.query<DeliveryRow & { place: number }>(LIST, [after, limit]);
  return rows.map(({ place, ...row }) => ({ place, row }));
}

const OF_TWINS: Statement = {
  name: 'list-parked-of',
  text: `SELECT first.* FROM ${rowsFrom(TWINS, 3)} AS asked CROSS JOIN LATERAL (
           SELECT ${PARKED.fields} FROM parked
           WHERE parked.home = asked.home AND parked.twin = asked.twin AND destination = $1
           ORDER BY position LIMIT $2) AS first`,
};

export async function listParkedOf(
  database: Database,
  destination: string,
  twins: readonly Address[],
  most: number,
): Promise<DeliveryRow[]> {
  if (twins.length === 0) return [];
  const rows = twins.map(({ home, twin }) => ({ home, twin }));
  return await database.query<DeliveryRow>(OF_TWINS, [
    destination,
    most,
    ...columnsOf(TWINS, rows),
  ]);
}

/** $1: the epoch. While the row is held nobody raises it. */
const GATE =
  'gate AS MATERIALIZED (SELECT epoch FROM present_epoch WHERE epoch = $1::bigint FOR SHARE)';
const OPEN = 'EXISTS (SELECT FROM gate)';
const PASSED = `SELECT (SELECT epoch FROM gate) AS epoch`;

// what is parked already keeps its place; new ones get theirs in the order in which they are given
const PARK: Statement = {
  name: 'park',
  text: `WITH ${GATE},
  new AS MATERIALIZED (SELECT * FROM ${rowsFrom(PARKED.columns, 2)} AS new WHERE ${OPEN}),
  known AS MATERIALIZED (
    SELECT id FROM parked WHERE id IN (SELECT id FROM new) ORDER BY id FOR UPDATE),
  put_off AS (
    UPDATE parked SET attempts = new.attempts, not_before = new.not_before
    FROM new JOIN known ON known.id = new.id WHERE parked.id = new.id),
  parked_first AS (
    INSERT INTO parked (${PARKED.names})
    SELECT ${PARKED.names} FROM new WHERE id NOT IN (SELECT id FROM known)
    ON CONFLICT (id) DO NOTHING)
  ${PASSED}`,
};

export async function park(
  database: Database,
  epoch: number,
  rows: readonly DeliveryRow[],
): Promise<void> {
  if (rows.length === 0) return;
  await fenced(database, epoch, PARK, columnsOf(PARKED.columns, rows));
}

/** @throws EngineError `fenced` when another engine has taken over since */
async function fenced(
  database: Database,
  epoch: number,
  statement: Statement,
  values: readonly Value[],
): Promise<void> {
  const [found] = await database.query<{ epoch: number | null }>(statement, [epoch, ...values]);
  assertEpoch(epoch, found?.epoch ?? undefined);
}

const ENDED: Column[] = [{ field: 'id', name: 'id', type: 'text' }];
const END = `${GATE},
  remove AS (
    DELETE FROM parked USING ${rowsFrom(ENDED, 2)} AS ended
    WHERE parked.id = ended.id AND ${OPEN})`;

export async function endDeliveries(
  database: Database,
  epoch: number,
  ids: readonly string[],
  letters: readonly DeadLetterRow[],
  deadLettersPerHome: number,
): Promise<void> {
  if (ids.length === 0 && letters.length === 0) return;
  const ended = columnsOf(ENDED, inLockOrder(ids.map((id) => ({ id }))));
  if (letters.length === 0) {
    const statement = { name: 'end-deliveries', text: `WITH ${END} ${PASSED}` };
    await fenced(database, epoch, statement, ended);
    return;
  }
  const kept = keptLetters(
    rowsFrom(DEAD_LETTER.columns, ENDED.length + 2),
    // A twin that has been deleted meanwhile leaves none: its id may be somebody else's next
    `${OPEN} AND EXISTS (SELECT FROM twin WHERE twin.home = new.home AND twin.twin = new.twin)`,
    deadLettersPerHome,
  );
  const statement = { name: 'end-dead-deliveries', text: `WITH ${END},\n  ${kept} ${PASSED}` };
  await fenced(database, epoch, statement, [...ended, ...columnsOf(DEAD_LETTER.columns, letters)]);
}

export async function parkedStats(
  database: Database,
): Promise<{ depth: number; oldestAt: number | null }> {
  const [stats] = await database.query<{ depth: number; oldestAt: number | null }>({
    text: 'SELECT count(*) AS "depth", min(created_at) AS "oldestAt" FROM parked',
  });
  return stats ?? { depth: 0, oldestAt: null };
}
