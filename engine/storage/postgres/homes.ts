import type { HomeRow } from '../../model/rows.ts';
import { decodeCursor, toPage } from '../cursor.ts';
import type { Page, PageRequest } from '../port.ts';
import { HOME } from '../tables.ts';
import { type Database, insertInto, valuesOf, within } from './database.ts';
import { HOLD_PROJECTIONS } from './projections.ts';

const SELECT = `SELECT ${HOME.fields} FROM home`;
/** All tables whose rows belong to a home. */
const OF_A_HOME = [
  ...['journal', 'checkpoint', 'parked', 'intent', 'alert', 'dead_letter', 'relation'],
  ...['rollup', 'candidate'],
];
/** Those that steps of projections look at; they come last, so that steps do not wait for years of journal. */
const WITH_PROJECTIONS = ['projection_row', 'twin'];

export async function listHomes(
  database: Database,
  { limit, cursor }: PageRequest,
): Promise<Page<HomeRow>> {
  const [after] = decodeCursor<[string]>(cursor, ['string']) ?? [null];
  const text = `${SELECT} WHERE $1::text IS NULL OR id > $1 ORDER BY id LIMIT $2`;
  const rows = await database.query<HomeRow>({ name: 'list-homes', text }, [after, limit + 1]);
  return toPage(rows, limit, (row) => [row.id]);
}

export async function getHome(database: Database, id: string): Promise<HomeRow | null> {
  const text = `${SELECT} WHERE id = $1`;
  return (await database.query<HomeRow>({ name: 'get-home', text }, [id]))[0] ?? null;
}

export async function insertHome(database: Database, home: HomeRow): Promise<boolean> {
  const text = `${insertInto(HOME)} ON CONFLICT DO NOTHING RETURNING id`;
  return (await database.query({ text }, valuesOf(HOME, home))).length === 1;
}

export async function updateHome(database: Database, home: HomeRow): Promise<void> {
  const text =
    'UPDATE home SET incarnation = $2, name = $3, timezone = $4, created_at = $5 WHERE id = $1';
  await database.query({ text }, valuesOf(HOME, home));
}

/** Years of journal may go: without the time limit of other statements. */
export async function deleteHome(database: Database, id: string): Promise<void> {
  await database.upkeep((client) =>
    within(client, async (query) => {
      for (const table of OF_A_HOME) {
        await query({ text: `DELETE FROM ${table} WHERE home = $1` }, [id]);
      }
      await query(HOLD_PROJECTIONS);
      for (const table of WITH_PROJECTIONS) {
        await query({ text: `DELETE FROM ${table} WHERE home = $1` }, [id]);
      }
      await query({ text: 'DELETE FROM home WHERE id = $1' }, [id]);
    }),
  );
}
