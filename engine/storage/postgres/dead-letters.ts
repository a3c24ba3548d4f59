import type { DeadLetterRow, DeliveryRow } from '../../model/rows.ts';
import { decodeCursor, toPage } from '../cursor.ts';
import type { Page, PageRequest } from '../port.ts';
import { DEAD_LETTER, PARKED } from '../tables.ts';
import { columnsOf, rowsFrom } from './columns.ts';
import { type Database, insertInto, valuesOf } from './database.ts';

const SELECT = `SELECT ${DEAD_LETTER.fields}, position FROM dead_letter`;
const LAST = Number.MAX_SAFE_INTEGER;

/**
 * Stores letters and forgets the oldest of each home beyond its bound, as parts of a statement. They
 * do not see each other's rows, so that the old ones are counted down to what the new ones leave.
 */
export function keptLetters(rows: string, open: string, perHome: number): string {
  return `letters AS MATERIALIZED (
    SELECT *, coalesce(home, '') AS home_key,
      row_number() OVER (PARTITION BY coalesce(home, '') ORDER BY place DESC) AS age
    FROM (SELECT *, row_number() OVER () AS place FROM ${rows} AS new WHERE ${open}) AS new
    WHERE NOT EXISTS (SELECT FROM dead_letter WHERE dead_letter.id = new.id)),
  insert_letter AS (
    INSERT INTO dead_letter (${DEAD_LETTER.names})
    SELECT ${DEAD_LETTER.names} FROM letters WHERE age <= ${perHome} ORDER BY place
    ON CONFLICT (id) DO NOTHING),
  bounds AS MATERIALIZED (
    SELECT home_key, (
      SELECT position FROM dead_letter WHERE coalesce(home, '') = home_key
      ORDER BY position DESC LIMIT 1 OFFSET greatest(${perHome} - arrived, 0)) AS last
    FROM (SELECT home_key, count(*) AS arrived FROM letters GROUP BY home_key) AS arrivals),
  prune_letters AS (
    DELETE FROM dead_letter USING bounds
    WHERE coalesce(home, '') = home_key AND position <= last)`;
}

export async function insertDeadLetters(
  database: Database,
  rows: readonly DeadLetterRow[],
  perHome: number,
): Promise<void> {
  if (rows.length === 0) return;
  const text = `WITH ${keptLetters(rowsFrom(DEAD_LETTER.columns, 1), 'true', perHome)} SELECT`;
  await database.query({ name: 'insert-dead-letters', text }, columnsOf(DEAD_LETTER.columns, rows));
}

export async function listDeadLetters(
  database: Database,
  home: string | null,
  { limit, cursor }: PageRequest,
): Promise<Page<DeadLetterRow>> {
  const [before] = decodeCursor<[number]>(cursor, ['number']) ?? [LAST];
  const found = await database.query<DeadLetterRow & { position: number }>(
    home === null
      ? {
          name: 'list-dead-letters',
          text: `${SELECT} WHERE position < $1 ORDER BY position DESC LIMIT $2`,
        }
      : {
          name: 'list-dead-letters-of-home',
          text: `${SELECT} WHERE position < $1 AND coalesce(home, '') = $3
                 ORDER BY position DESC LIMIT $2`,
        },
    home === null ? [before, limit + 1] : [before, limit + 1, home],
  );
  const { items, nextCursor } = toPage(found, limit, (row) => [row.position]);
  return { items: items.map(({ position: _, ...row }) => row), nextCursor };
}

export async function getDeadLetter(database: Database, id: string): Promise<DeadLetterRow | null> {
  const text = `SELECT ${DEAD_LETTER.fields} FROM dead_letter WHERE id = $1`;
  return (await database.query<DeadLetterRow>({ name: 'get-dead-letter', text }, [id]))[0] ?? null;
}

export async function deleteDeadLetter(database: Database, id: string): Promise<void> {
  await database.query({ text: 'DELETE FROM dead_letter WHERE id = $1' }, [id]);
}

export async function reviveDelivery(
  database: Database,
  deadLetterId: string,
  row: DeliveryRow,
): Promise<void> {
  const insert = `${insertInto(PARKED)} ON CONFLICT (id) DO NOTHING`;
  await database.transaction(async (query) => {
    await query({ text: insert }, valuesOf(PARKED, row));
    await query({ text: 'DELETE FROM dead_letter WHERE id = $1' }, [deadLetterId]);
  });
}

export async function countDeadLetters(database: Database): Promise<number> {
  const text = 'SELECT count(*) AS count FROM dead_letter';
  return (await database.query<{ count: number }>({ text }))[0]?.count ?? 0;
}
