import type { Address } from '../../model/envelope.ts';
import type { LoadedTwin, RelationWrite, TwinRow } from '../../model/rows.ts';
import { decodeCursor, leftAfter, PAGE_CHARACTERS, toPage } from '../cursor.ts';
import type { Page, PageRequest, TwinFilter, Wake } from '../port.ts';
import { TWIN } from '../tables.ts';
import { type Connection, readRow } from './connection.ts';

const SELECT = `SELECT ${TWIN.fields} FROM twin`;
const RELATIONS = `
  SELECT name, target FROM relation WHERE home = @home AND twin = @twin
  UNION
  SELECT 'members', twin FROM relation WHERE home = @home AND target = @twin AND name = 'room'
  ORDER BY name, target`;
/** All tables whose rows belong to a twin, its relations apart. */
const OF_A_TWIN = [
  ...['twin', 'journal', 'checkpoint', 'parked', 'intent', 'alert', 'dead_letter', 'rollup'],
  'projection_row',
];

export function loadTwin(connection: Connection, { home, twin }: Address): LoadedTwin | null {
  const raw = connection.get(`${SELECT} WHERE home = ? AND twin = ?`, home, twin);
  if (!raw) return null;
  const relations: Record<string, string[]> = {};
  for (const { name, target } of connection.all<{ name: string; target: string }>(RELATIONS, {
    home,
    twin,
  })) {
    relations[name] ??= [];
    relations[name].push(target);
  }
  return { ...readRow(TWIN, raw), relations };
}

/** One statement for each twin: in this process that costs less than building one for all. */
export function loadTwins(connection: Connection, addresses: readonly Address[]): LoadedTwin[] {
  const found = addresses.map((address) => loadTwin(connection, address));
  return found.filter((twin) => twin !== null);
}

export function listTwins(
  connection: Connection,
  home: string,
  filter: TwinFilter,
  { limit, cursor }: PageRequest,
): Page<TwinRow> {
  const [after] = decodeCursor<[string]>(cursor, ['string']) ?? [''];
  const path = filter.state?.split('.') ?? [];
  const rows: TwinRow[] = [];
  let left = PAGE_CHARACTERS;
  const raws = connection.each<Record<string, string | number | null>>(
    `${SELECT} WHERE home = @home AND twin > @after
       AND (@kind IS NULL OR kind = @kind) AND (@room IS NULL OR room = @room)
       AND (@text IS NULL OR contains_folded(twin, @text) OR contains_folded(name, @text))
     ORDER BY twin`,
    {
      home,
      after,
      kind: filter.kind ?? null,
      room: filter.room ?? null,
      text: filter.text ?? null,
    },
  );
  for (const raw of raws) {
    const row = readRow(TWIN, raw);
    if (filter.state === undefined || isIn(row.state.value, path)) {
      rows.push(row);
      left = leftAfter(row, left);
    }
    // The page ends before this row: what comes behind need not be read
    if (rows.length > limit || (rows.length > 1 && left < 0)) break;
  }
  return toPage(rows, limit, (row) => [row.twin]);
}

/** Whether a state value lies on the path: `link.offline` in `{link: 'offline'}` or `{link: {offline: …}}`. */
function isIn(value: unknown, path: readonly string[]): boolean {
  const [first, ...rest] = path;
  if (first === undefined) return true;
  if (typeof value === 'string') return value === first && rest.length === 0;
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, first)) return false;
  return isIn((value as Record<string, unknown>)[first], rest);
}

export function listRelations(
  connection: Connection,
  homes: readonly string[],
  name: string,
): RelationWrite[] {
  return homes.flatMap((home) => {
    const byTwin = new Map<string, RelationWrite>();
    for (const { twin, target } of connection.all<{ twin: string; target: string }>(
      'SELECT twin, target FROM relation WHERE home = ? AND name = ? ORDER BY twin, target',
      home,
      name,
    )) {
      const known = byTwin.get(twin);
      if (known) known.targets.push(target);
      else byTwin.set(twin, { home, twin, name, targets: [target] });
    }
    return [...byTwin.values()];
  });
}

export function countTwins(connection: Connection): number {
  return connection.get<{ count: number }>('SELECT count(*) AS count FROM twin')?.count ?? 0;
}

export function countKinds(
  connection: Connection,
  homes: readonly string[],
): Map<string, Map<string, number>> {
  return new Map(
    homes.map((home) => {
      const rows = connection.all<{ kind: string; count: number }>(
        'SELECT kind, count(*) AS count FROM twin WHERE home = ? GROUP BY kind',
        home,
      );
      return [home, new Map(rows.map(({ kind, count }) => [kind, count]))];
    }),
  );
}

export function deleteTwin(connection: Connection, { home, twin }: Address): void {
  connection.transaction(() => {
    for (const table of OF_A_TWIN) {
      connection.run(`DELETE FROM ${table} WHERE home = ? AND twin = ?`, home, twin);
    }
    connection.run('DELETE FROM relation WHERE home = @home AND (twin = @twin OR target = @twin)', {
      home,
      twin,
    });
    // Its turns are gone from the log: whoever reads on from before learns that something is missing
    connection.run(
      'UPDATE home SET removed_at_seq = (SELECT max(seq) FROM writer) WHERE id = ?',
      home,
    );
  });
}

export function dueWakes(
  connection: Connection,
  until: number,
  limit: number,
  after: Wake | null,
): Wake[] {
  if (after === null) {
    return connection.all<Wake>(
      `SELECT home, twin, wake_at AS "wakeAt" FROM twin
       WHERE wake_at <= ? ORDER BY wake_at, home, twin LIMIT ?`,
      until,
      limit,
    );
  }
  return connection.all<Wake>(
    `SELECT home, twin, wake_at AS "wakeAt" FROM twin
     WHERE wake_at <= ? AND (wake_at, home, twin) > (?, ?, ?) ORDER BY wake_at, home, twin LIMIT ?`,
    until,
    after.wakeAt,
    after.home,
    after.twin,
    limit,
  );
}
