import type { AlertRow, IntentRow } from '../../model/rows.ts';
import { decodeCursor, toPage } from '../cursor.ts';
import type { AlertFilter, IntentFilter, OpenCommands, Page, PageRequest } from '../port.ts';
import { ALERT, INTENT } from '../tables.ts';
import type { Database, Statement } from './database.ts';

/** The place beyond the latest moment: the newest row comes after it. */
const NEWEST: [number, string] = [Number.MAX_VALUE, ''];

const LIST_INTENTS: Statement = {
  name: 'list-intents',
  text: `SELECT ${INTENT.fields} FROM intent
    WHERE home = $1 AND (created_at, id) < ($2, $3)
      AND ($4::text IS NULL OR twin = $4) AND ($5::text IS NULL OR status = $5)
      AND ($6::text IS NULL OR cause = $6)
    ORDER BY created_at DESC, id DESC LIMIT $7`,
};

export async function listEndedIntents(
  database: Database,
  home: string,
  filter: IntentFilter,
  { limit, cursor }: PageRequest,
): Promise<Page<IntentRow>> {
  const after = decodeCursor<[number, string]>(cursor, ['number', 'string']) ?? NEWEST;
  const rows = await database.query<IntentRow>(LIST_INTENTS, [
    home,
    ...after,
    ...[filter.twin ?? null, filter.status ?? null, filter.cause ?? null],
    limit + 1,
  ]);
  return toPage(rows, limit, (row) => [row.createdAt, row.id]);
}

export async function getEndedIntent(
  database: Database,
  home: string,
  id: string,
): Promise<IntentRow | null> {
  const text = `SELECT ${INTENT.fields} FROM intent WHERE id = $2 AND home = $1`;
  return (await database.query<IntentRow>({ name: 'get-intent', text }, [home, id]))[0] ?? null;
}

// whoever waits for a command's end has a deadline
const LIST_OPEN: Statement = {
  name: 'list-open-commands',
  text: `SELECT home, twin, incarnation, state -> 'pending' AS pending FROM twin
    WHERE home = $1 AND ($2::text IS NULL OR twin = $2) AND wake_at IS NOT NULL
      AND json_array_length(state -> 'pending') > 0 ORDER BY twin`,
};

export function listOpenCommands(
  database: Database,
  home: string,
  twin: string | null,
): Promise<OpenCommands[]> {
  return database.query<OpenCommands>(LIST_OPEN, [home, twin]);
}

const LIST_ALERTS: Statement = {
  name: 'list-alerts',
  text: `SELECT ${ALERT.fields} FROM alert
    WHERE home = $1 AND (raised_at, id) < ($2, $3)
      AND ($4::text IS NULL OR twin = $4) AND ($5::text IS NULL OR status = $5)
    ORDER BY raised_at DESC, id DESC LIMIT $6`,
};

export async function listAlerts(
  database: Database,
  home: string,
  filter: AlertFilter,
  { limit, cursor }: PageRequest,
): Promise<Page<AlertRow>> {
  const after = decodeCursor<[number, string]>(cursor, ['number', 'string']) ?? NEWEST;
  const rows = await database.query<AlertRow>(LIST_ALERTS, [
    home,
    ...after,
    ...[filter.twin ?? null, filter.status ?? null],
    limit + 1,
  ]);
  return toPage(rows, limit, (row) => [row.raisedAt, row.id]);
}

export async function getAlert(
  database: Database,
  home: string,
  id: string,
): Promise<AlertRow | null> {
  const text = `SELECT ${ALERT.fields} FROM alert WHERE id = $2 AND home = $1`;
  return (await database.query<AlertRow>({ name: 'get-alert', text }, [home, id]))[0] ?? null;
}
