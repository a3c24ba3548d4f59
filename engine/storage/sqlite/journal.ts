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
import { type Connection, readRow } from './connection.ts';

const SELECT = `SELECT ${JOURNAL.fields} FROM journal WHERE home = ? AND twin = ?`;

export function listJournal(
  connection: Connection,
  { home, twin }: Address,
  { limit, cursor }: PageRequest,
): Page<JournalRow> {
  const [before] = decodeCursor<[number]>(cursor, ['integer']) ?? [Number.MAX_SAFE_INTEGER];
  const raws = connection.all(
    `${SELECT} AND revision < ? ORDER BY revision DESC LIMIT ?`,
    home,
    twin,
    before,
    limit + 1,
  );
  return toPage(
    raws.map((raw) => readRow(JOURNAL, raw)),
    limit,
    (row) => [row.revision],
  );
}

/** Which turns pass. */
const PASSES = `(@type IS NULL OR json_extract(event, '$.type') = @type)
  AND (@principal IS NULL OR principal = @principal)
  AND (@changed = 0 OR state IS NOT NULL OR reported IS NOT NULL)
  AND (@kind IS NULL OR twin IN (SELECT twin FROM twin WHERE home = @home AND kind = @kind))
  AND (@exceptKinds = '[]' OR twin NOT IN (
    SELECT twin FROM twin WHERE home = @home AND kind IN (SELECT value FROM json_each(@exceptKinds))))`;

function filterValues({ kind, type, principal, changed, exceptKinds }: TurnFilter) {
  return {
    kind: kind ?? null,
    type: type ?? null,
    principal: principal ?? null,
    changed: Number(changed ?? false),
    exceptKinds: JSON.stringify(exceptKinds ?? []),
  };
}

export function listTurns(
  connection: Connection,
  { home, twin }: Address,
  { from, to }: Range,
  filter: TurnFilter,
  limit: number,
): JournalRow[] {
  return connection
    .all(
      `SELECT ${JOURNAL.fields} FROM journal
       WHERE home = @home AND twin = @twin AND revision >= @from AND revision < @to AND ${PASSES}
       ORDER BY revision DESC LIMIT @limit`,
      { home, twin, from, to, limit, ...filterValues(filter) },
    )
    .map((raw) => readRow(JOURNAL, raw));
}

export function listHomeTurns(
  connection: Connection,
  home: string,
  from: number,
  [at, twin, revision]: TurnKey,
  filter: TurnFilter,
  limit: number,
): JournalRow[] {
  return connection
    .all(
      `SELECT ${JOURNAL.fields} FROM journal INDEXED BY journal_home
       WHERE home = @home AND received_at >= @from AND received_at <= @at
         AND (received_at, twin, revision) < (@at, @twin, @revision) AND ${PASSES}
       ORDER BY received_at DESC, twin DESC, revision DESC LIMIT @limit`,
      { home, from, at, twin, revision, limit, ...filterValues(filter) },
    )
    .map((raw) => readRow(JOURNAL, raw));
}

export function momentBefore(
  connection: Connection,
  home: string,
  before: number,
  skipped: number,
): number | null {
  const row = connection.get<{ at: number }>(
    `SELECT received_at AS at FROM journal INDEXED BY journal_home
     WHERE home = ? AND received_at < ? ORDER BY received_at DESC LIMIT 1 OFFSET ?`,
    home,
    before,
    skipped,
  );
  return row?.at ?? null;
}

export function readJournal(
  connection: Connection,
  { home, twin }: Address,
  from: number,
  limit: number,
): JournalRow[] {
  return connection
    .all(`${SELECT} AND revision >= ? ORDER BY revision LIMIT ?`, home, twin, from, limit)
    .map((raw) => readRow(JOURNAL, raw));
}

export function latestCheckpoint(
  connection: Connection,
  { home, twin }: Address,
  upTo: number | null,
): CheckpointRow | null {
  const raw = connection.get(
    `SELECT ${CHECKPOINT.fields} FROM checkpoint
     WHERE home = @home AND twin = @twin AND (@upTo IS NULL OR revision <= @upTo)
     ORDER BY revision DESC LIMIT 1`,
    { home, twin, upTo },
  );
  return raw ? readRow(CHECKPOINT, raw) : null;
}

export function checkpointBefore(
  connection: Connection,
  { home, twin }: Address,
  at: number,
): CheckpointRow | null {
  const raw = connection.get(
    `SELECT ${CHECKPOINT.fields} FROM checkpoint
     WHERE home = ? AND twin = ? AND at <= ? ORDER BY revision DESC LIMIT 1`,
    home,
    twin,
    at,
  );
  return raw ? readRow(CHECKPOINT, raw) : null;
}

export function readChanges(
  connection: Connection,
  { home, twin }: Address,
  from: number,
  limit: number,
): ChangeRow[] {
  return connection
    .all(
      `SELECT ${CHANGE.fields} FROM journal
       WHERE home = ? AND twin = ? AND revision >= ? AND (state IS NOT NULL OR reported IS NOT NULL)
       ORDER BY revision LIMIT ?`,
      home,
      twin,
      from,
      limit,
    )
    .map((raw) => readRow(CHANGE, raw));
}

export function labelsSince(connection: Connection): number {
  return connection.get<{ at: number }>('SELECT at FROM history_start')?.at ?? 0;
}

export function listRollups(
  connection: Connection,
  { home, twin, measurement, from, to }: HistoryQuery,
  resolution: Resolution,
  limit: number,
): Bucket[] {
  const rows = connection.tuples<BucketTuple>(
    `SELECT start, count, sum, min, max, last, last_at FROM rollup
       WHERE home = ? AND twin = ? AND measurement = ? AND resolution = ? AND start >= ? AND start < ?
       ORDER BY start LIMIT ?`,
    home,
    twin,
    measurement,
    resolution,
    from,
    to,
    limit,
  );
  return toBuckets(rows);
}
