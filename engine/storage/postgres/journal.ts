import type { Address } from '../../model/envelope.ts';
import type { CheckpointRow, JournalRow, Resolution } from '../../model/rows.ts';
import type { Bucket } from '../../model/twin-state.ts';
import { decodeCursor, toPage } from '../cursor.ts';
import type {
  ChangeRow,
  HistoryQuery,
  Page,
  PageRequest,
  Range,
  TurnFilter,
  TurnKey,
} from '../port.ts';
import { type BucketTuple, CHANGE, CHECKPOINT, JOURNAL, toBuckets } from '../tables.ts';
import { asTuples, tuplesFrom } from './columns.ts';
import type { Database, Statement, Value } from './database.ts';

const SELECT = `SELECT ${JOURNAL.fields} FROM journal WHERE home = $1 AND twin = $2`;
const LIST: Statement = {
  name: 'list-journal',
  text: `${SELECT} AND revision < $3 ORDER BY revision DESC LIMIT $4`,
};
const READ: Statement = {
  name: 'read-journal',
  text: `${SELECT} AND revision >= $3 ORDER BY revision LIMIT $4`,
};

export async function listJournal(
  database: Database,
  { home, twin }: Address,
  { limit, cursor }: PageRequest,
): Promise<Page<JournalRow>> {
  const [before] = decodeCursor<[number]>(cursor, ['integer']) ?? [Number.MAX_SAFE_INTEGER];
  const rows = await database.query<JournalRow>(LIST, [home, twin, before, limit + 1]);
  return toPage(rows, limit, (row) => [row.revision]);
}

/** Which turns pass; its values come first, `$1` being the home. */
const PASSES = `($2::text IS NULL OR event ->> 'type' = $2)
  AND ($3::text IS NULL OR principal = $3)
  AND (NOT $4::boolean OR state IS NOT NULL OR reported IS NOT NULL)
  AND ($5::text IS NULL OR twin IN (SELECT twin FROM twin WHERE home = $1 AND kind = $5))
  AND (cardinality($6::text[]) = 0 OR twin NOT IN (
    SELECT twin FROM twin WHERE home = $1 AND kind = ANY ($6::text[])))`;

function filterValues(home: string, filter: TurnFilter): Value[] {
  const { kind, type, principal, changed, exceptKinds } = filter;
  return [
    home,
    ...[type ?? null, principal ?? null, changed ?? false, kind ?? null, exceptKinds ?? []],
  ];
}

const LIST_TURNS: Statement = {
  name: 'list-turns',
  text: `SELECT ${JOURNAL.fields} FROM journal
    WHERE home = $1 AND twin = $7 AND revision >= $8 AND revision < $9 AND ${PASSES}
    ORDER BY revision DESC LIMIT $10`,
};

export async function listTurns(
  database: Database,
  { home, twin }: Address,
  { from, to }: Range,
  filter: TurnFilter,
  limit: number,
): Promise<JournalRow[]> {
  const values = [...filterValues(home, filter), twin, from, to, limit];
  return database.query<JournalRow>(LIST_TURNS, values);
}

const LIST_HOME_TURNS: Statement = {
  name: 'list-home-turns',
  text: `SELECT ${JOURNAL.fields} FROM journal
    WHERE home = $1 AND received_at >= $7 AND received_at <= $8
      AND (received_at, twin, revision) < ($8, $9, $10) AND ${PASSES}
    ORDER BY received_at DESC, twin DESC, revision DESC LIMIT $11`,
};

export async function listHomeTurns(
  database: Database,
  home: string,
  from: number,
  before: TurnKey,
  filter: TurnFilter,
  limit: number,
): Promise<JournalRow[]> {
  const values = [...filterValues(home, filter), from, ...before, limit];
  return database.query<JournalRow>(LIST_HOME_TURNS, values);
}

const MOMENT_BEFORE: Statement = {
  name: 'moment-before',
  text: `SELECT received_at AS at FROM journal WHERE home = $1 AND received_at < $2
    ORDER BY received_at DESC LIMIT 1 OFFSET $3`,
};

export async function momentBefore(
  database: Database,
  home: string,
  before: number,
  skipped: number,
): Promise<number | null> {
  const [row] = await database.query<{ at: number }>(MOMENT_BEFORE, [home, before, skipped]);
  return row?.at ?? null;
}

export async function readJournal(
  database: Database,
  { home, twin }: Address,
  from: number,
  limit: number,
): Promise<JournalRow[]> {
  return database.query<JournalRow>(READ, [home, twin, from, limit]);
}

const LATEST_CHECKPOINT: Statement = {
  name: 'latest-checkpoint',
  text: `SELECT ${CHECKPOINT.fields} FROM checkpoint
    WHERE home = $1 AND twin = $2 AND ($3::bigint IS NULL OR revision <= $3)
    ORDER BY revision DESC LIMIT 1`,
};

export async function latestCheckpoint(
  database: Database,
  { home, twin }: Address,
  upTo: number | null,
): Promise<CheckpointRow | null> {
  const rows = await database.query<CheckpointRow>(LATEST_CHECKPOINT, [home, twin, upTo]);
  return rows[0] ?? null;
}

const CHECKPOINT_BEFORE: Statement = {
  name: 'checkpoint-before',
  text: `SELECT ${CHECKPOINT.fields} FROM checkpoint
    WHERE home = $1 AND twin = $2 AND at <= $3 ORDER BY revision DESC LIMIT 1`,
};

export async function checkpointBefore(
  database: Database,
  { home, twin }: Address,
  at: number,
): Promise<CheckpointRow | null> {
  const rows = await database.query<CheckpointRow>(CHECKPOINT_BEFORE, [home, twin, at]);
  return rows[0] ?? null;
}

const CHANGES: Statement = {
  name: 'read-changes',
  text: `SELECT ${CHANGE.fields} FROM journal
    WHERE home = $1 AND twin = $2 AND revision >= $3 AND (state IS NOT NULL OR reported IS NOT NULL)
    ORDER BY revision LIMIT $4`,
};

export async function readChanges(
  database: Database,
  { home, twin }: Address,
  from: number,
  limit: number,
): Promise<ChangeRow[]> {
  return database.query<ChangeRow>(CHANGES, [home, twin, from, limit]);
}

const LABELS_SINCE: Statement = { name: 'labels-since', text: 'SELECT at FROM history_start' };

export async function labelsSince(database: Database): Promise<number> {
  const [row] = await database.query<{ at: number }>(LABELS_SINCE, []);
  return row?.at ?? 0;
}

interface Tuples {
  tuples: Buffer | null;
}

const ROLLUPS: Statement = {
  name: 'list-rollups',
  text: `SELECT ${asTuples('start', 'count', 'sum', 'min', 'max', 'last', 'last_at')}
    FROM (SELECT * FROM rollup
      WHERE home = $1 AND twin = $2 AND measurement = $3 AND resolution = $4
        AND start >= $5 AND start < $6
      ORDER BY start LIMIT $7) AS bucket`,
};

export async function listRollups(
  database: Database,
  { home, twin, measurement, from, to }: HistoryQuery,
  resolution: Resolution,
  limit: number,
): Promise<Bucket[]> {
  const values = [home, twin, measurement, resolution, from, to, limit];
  const [found] = await database.query<Tuples>(ROLLUPS, values);
  return toBuckets(tuplesFrom<BucketTuple>(found?.tuples, 7));
}
