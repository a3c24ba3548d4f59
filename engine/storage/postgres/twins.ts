import type { Address } from '../../model/envelope.ts';
import type { LoadedTwin, RelationWrite, TwinRow } from '../../model/rows.ts';
import { decodeCursor, toPage } from '../cursor.ts';
import type { Page, PageRequest, TwinFilter, Wake } from '../port.ts';
import { type Column, TWIN } from '../tables.ts';
import { columnsOf, rowsFrom } from './columns.ts';
import { type Database, type Statement, within } from './database.ts';
import { HOLD_PROJECTIONS } from './projections.ts';

const KEY: Column[] = [
  { field: 'home', name: 'home', type: 'text' },
  { field: 'twin', name: 'twin', type: 'text' },
];
const LOAD: Statement = {
  name: 'load-twins',
  text: `SELECT ${TWIN.fields}, (
      SELECT json_object_agg(name, targets) FROM (
        SELECT name, json_agg(target ORDER BY target) AS targets FROM (
          SELECT name, target FROM relation
          WHERE relation.home = twin.home AND relation.twin = twin.twin
          UNION
          SELECT 'members', relation.twin FROM relation
          WHERE relation.home = twin.home AND relation.target = twin.twin AND name = 'room'
        ) AS related GROUP BY name
      ) AS named) AS relations
    FROM ${rowsFrom(KEY, 1)} AS wanted JOIN twin ON twin.home = wanted.home AND twin.twin = wanted.twin`,
};
/** All tables whose rows belong to a twin, its relations apart. */
const OF_A_TWIN = [
  ...['journal', 'checkpoint', 'parked', 'intent', 'alert', 'dead_letter', 'rollup'],
];
/** Those that steps of projections look at; they come last, so that steps do not wait for years of journal. */
const WITH_PROJECTIONS = ['projection_row', 'twin'];

export async function loadTwins(
  database: Database,
  addresses: readonly Address[],
): Promise<LoadedTwin[]> {
  if (addresses.length === 0) return [];
  const rows = await database.query<TwinRow & { relations: LoadedTwin['relations'] | null }>(
    LOAD,
    columnsOf(KEY, addresses),
  );
  return rows.map((row) => ({ ...row, relations: row.relations ?? {} }));
}

export async function getTwin(database: Database, address: Address): Promise<LoadedTwin | null> {
  return (await loadTwins(database, [address]))[0] ?? null;
}

// `?` finds a key of an object as well as a string that stands alone: a path ends in either
const LIST: Statement = {
  name: 'list-twins',
  text: `SELECT ${TWIN.fields} FROM twin
    WHERE home = $1 AND ($2::text IS NULL OR twin > $2)
      AND ($3::text IS NULL OR kind = $3) AND ($4::text IS NULL OR room = $4)
      AND ($5::text IS NULL OR strpos(lower(twin), lower($5)) > 0 OR strpos(lower(name), lower($5)) > 0)
      AND ($7::text IS NULL OR (state -> 'value')::jsonb #> $6::text[] ? $7)
    ORDER BY twin LIMIT $8`,
};

export async function listTwins(
  database: Database,
  home: string,
  filter: TwinFilter,
  { limit, cursor }: PageRequest,
): Promise<Page<TwinRow>> {
  const [after] = decodeCursor<[string]>(cursor, ['string']) ?? [null];
  const path = filter.state?.split('.') ?? [];
  const rows = await database.query<TwinRow>(LIST, [
    ...[home, after, filter.kind ?? null, filter.room ?? null, filter.text ?? null],
    path.slice(0, -1),
    path.at(-1) ?? null,
    limit + 1,
  ]);
  return toPage(rows, limit, (row) => [row.twin]);
}

const RELATIONS: Statement = {
  name: 'list-relations',
  text: `SELECT home, twin, name, json_agg(target ORDER BY target) AS targets FROM relation
    WHERE home = ANY ($1::text[]) AND name = $2 GROUP BY home, twin, name ORDER BY home, twin`,
};

export function listRelations(
  database: Database,
  homes: readonly string[],
  name: string,
): Promise<RelationWrite[]> {
  return database.query<RelationWrite>(RELATIONS, [homes, name]);
}

export async function countTwins(database: Database): Promise<number> {
  const text = 'SELECT count(*) AS count FROM twin';
  return (await database.query<{ count: number }>({ text }))[0]?.count ?? 0;
}

const KINDS: Statement = {
  name: 'count-kinds',
  text: `SELECT home, kind, count(*) AS count FROM twin
    WHERE home = ANY ($1::text[]) GROUP BY home, kind`,
};

export async function countKinds(
  database: Database,
  homes: readonly string[],
): Promise<Map<string, Map<string, number>>> {
  const counts = new Map(homes.map((home) => [home, new Map<string, number>()]));
  type Row = { home: string; kind: string; count: number };
  for (const { home, kind, count } of await database.query<Row>(KINDS, [homes])) {
    counts.get(home)?.set(kind, count);
  }
  return counts;
}

/** Years of journal may go: without the time limit of other statements. */
export async function deleteTwin(database: Database, { home, twin }: Address): Promise<void> {
  await database.upkeep((client) =>
    within(client, async (query) => {
      for (const table of OF_A_TWIN) {
        await query({ text: `DELETE FROM ${table} WHERE home = $1 AND twin = $2` }, [home, twin]);
      }
      await query(HOLD_PROJECTIONS);
      for (const table of WITH_PROJECTIONS) {
        await query({ text: `DELETE FROM ${table} WHERE home = $1 AND twin = $2` }, [home, twin]);
      }
      const text = 'DELETE FROM relation WHERE home = $1 AND (twin = $2 OR target = $2)';
      await query({ text }, [home, twin]);
      // Its turns are gone from the log: whoever reads on from before learns that something is missing
      await query(
        { text: 'UPDATE home SET removed_at_seq = (SELECT max(seq) FROM writer) WHERE id = $1' },
        [home],
      );
    }),
  );
}

const DUE = `SELECT home, twin, wake_at AS "wakeAt" FROM twin WHERE wake_at <= $1`;
const DUE_FIRST: Statement = {
  name: 'due-wakes',
  text: `${DUE} ORDER BY wake_at, home, twin LIMIT $2`,
};
const DUE_AFTER: Statement = {
  name: 'due-wakes-after',
  text: `${DUE} AND (wake_at, home, twin) > ($3, $4, $5) ORDER BY wake_at, home, twin LIMIT $2`,
};

export async function dueWakes(
  database: Database,
  until: number,
  limit: number,
  after: Wake | null,
): Promise<Wake[]> {
  return after === null
    ? database.query<Wake>(DUE_FIRST, [until, limit])
    : database.query<Wake>(DUE_AFTER, [until, limit, after.wakeAt, after.home, after.twin]);
}
