import type { AlertRow, IntentRow } from '../../model/rows.ts';
import type { PendingIntent } from '../../model/twin-state.ts';
import { decodeCursor, toPage } from '../cursor.ts';
import type { AlertFilter, IntentFilter, OpenCommands, Page, PageRequest } from '../port.ts';
import { ALERT, INTENT } from '../tables.ts';
import { fromStored } from '../text.ts';
import { type Connection, readRow } from './connection.ts';

/** The place beyond the latest moment and any id: the newest row comes after it. */
const NEWEST: [number, string] = [Number.MAX_VALUE, ''];

export function listEndedIntents(
  connection: Connection,
  home: string,
  filter: IntentFilter,
  { limit, cursor }: PageRequest,
): Page<IntentRow> {
  const [at, id] = decodeCursor<[number, string]>(cursor, ['number', 'string']) ?? NEWEST;
  const raws = connection.all(
    `SELECT ${INTENT.fields} FROM intent
     WHERE home = @home AND (created_at, id) < (@at, @id)
       AND (@twin IS NULL OR twin = @twin) AND (@status IS NULL OR status = @status)
       AND (@cause IS NULL OR cause = @cause)
     ORDER BY created_at DESC, id DESC LIMIT @limit`,
    {
      ...{ home, at, id },
      twin: filter.twin ?? null,
      status: filter.status ?? null,
      cause: filter.cause ?? null,
      limit: limit + 1,
    },
  );
  return toPage(
    raws.map((raw) => readRow(INTENT, raw)),
    limit,
    (row) => [row.createdAt, row.id],
  );
}

export function getEndedIntent(connection: Connection, home: string, id: string): IntentRow | null {
  const raw = connection.get(
    `SELECT ${INTENT.fields} FROM intent WHERE id = ? AND home = ?`,
    id,
    home,
  );
  return raw ? readRow(INTENT, raw) : null;
}

// whoever waits for a command's end has a deadline
const LIST_OPEN = `SELECT home, twin, incarnation, state ->> 'pending' AS pending FROM twin
  WHERE home = @home AND (@twin IS NULL OR twin = @twin) AND wake_at IS NOT NULL
    AND json_array_length(state, '$.pending') > 0 ORDER BY twin`;

export function listOpenCommands(
  connection: Connection,
  home: string,
  twin: string | null,
): OpenCommands[] {
  return connection
    .all<Omit<OpenCommands, 'pending'> & { pending: string }>(LIST_OPEN, { home, twin })
    .map(({ pending, ...address }) => ({
      ...address,
      pending: JSON.parse(fromStored(pending)) as PendingIntent[],
    }));
}

export function listAlerts(
  connection: Connection,
  home: string,
  filter: AlertFilter,
  { limit, cursor }: PageRequest,
): Page<AlertRow> {
  const [at, id] = decodeCursor<[number, string]>(cursor, ['number', 'string']) ?? NEWEST;
  const raws = connection.all(
    `SELECT ${ALERT.fields} FROM alert
     WHERE home = @home AND (raised_at, id) < (@at, @id)
       AND (@twin IS NULL OR twin = @twin) AND (@status IS NULL OR status = @status)
     ORDER BY raised_at DESC, id DESC LIMIT @limit`,
    {
      ...{ home, at, id },
      twin: filter.twin ?? null,
      status: filter.status ?? null,
      limit: limit + 1,
    },
  );
  return toPage(
    raws.map((raw) => readRow(ALERT, raw)),
    limit,
    (row) => [row.raisedAt, row.id],
  );
}

export function getAlert(connection: Connection, home: string, id: string): AlertRow | null {
  const raw = connection.get(
    `SELECT ${ALERT.fields} FROM alert WHERE id = ? AND home = ?`,
    id,
    home,
  );
  return raw ? readRow(ALERT, raw) : null;
}
