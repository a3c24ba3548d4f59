import type {
  AlertRow,
  CandidateRow,
  CheckpointRow,
  DeadLetterRow,
  DeliveryRow,
  GenerationRow,
  HomeRow,
  IntentRow,
  JournalRow,
  LogRow,
  ProjectedRow,
  RollupRow,
  TwinRow,
} from '../model/rows.ts';
import type { Bucket } from '../model/twin-state.ts';
import type { ChangeRow } from './port.ts';

/**
 * The tables as both dialects have them: which field of a row is which column. A field that a row
 * gains and this file lacks does not compile.
 */
type ColumnType = 'text' | 'number' | 'integer' | 'boolean' | 'json';

export interface Column {
  field: string;
  name: string;
  type: ColumnType;
}

export interface Table<Row> {
  name: string;
  columns: readonly Column[];
  /** The columns' names, for an INSERT. */
  names: string;
  /** The columns under their fields' names, for a SELECT. */
  fields: string;
  /** Never set: carries the row's type. */
  row?: Row;
}

function table<Row>(
  name: string,
  types: { [Field in keyof Row & string]-?: ColumnType },
): Table<Row> {
  const columns = Object.entries<ColumnType>(types).map(([field, type]) => ({
    field,
    name: field.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    type,
  }));
  return {
    name,
    columns,
    names: columns.map((column) => column.name).join(', '),
    // qualified, since a join may have a column of the same name
    fields: columns.map((column) => `${name}.${column.name} AS "${column.field}"`).join(', '),
  };
}

export const HOME = table<HomeRow>('home', {
  id: 'text',
  incarnation: 'text',
  name: 'text',
  timezone: 'text',
  createdAt: 'number',
});

export const TWIN = table<TwinRow>('twin', {
  home: 'text',
  twin: 'text',
  kind: 'text',
  incarnation: 'text',
  version: 'integer',
  name: 'text',
  room: 'text',
  via: 'text',
  revision: 'integer',
  state: 'json',
  wakeAt: 'number',
  createdAt: 'number',
  updatedAt: 'number',
  lastEventAt: 'number',
});

export const JOURNAL = table<JournalRow>('journal', {
  home: 'text',
  twin: 'text',
  revision: 'integer',
  at: 'number',
  receivedAt: 'number',
  event: 'json',
  eventId: 'text',
  source: 'text',
  cause: 'text',
  correlation: 'text',
  principal: 'text',
  dedupe: 'boolean',
  late: 'boolean',
  state: 'json',
  reported: 'json',
  effects: 'json',
  desired: 'json',
  epoch: 'integer',
});
/** The journal as a commit writes it. */
export const LOG = table<LogRow>('journal', {
  ...(Object.fromEntries(JOURNAL.columns.map(({ field, type }) => [field, type])) as {
    [Field in keyof JournalRow]: ColumnType;
  }),
  writer: 'integer',
  seq: 'integer',
});

/** What of a journal row tells a change; only read. */
export const CHANGE = table<ChangeRow>('journal', {
  revision: 'integer',
  at: 'number',
  receivedAt: 'number',
  state: 'json',
  reported: 'json',
});

export const CHECKPOINT = table<CheckpointRow>('checkpoint', {
  home: 'text',
  twin: 'text',
  revision: 'integer',
  kind: 'text',
  version: 'integer',
  state: 'json',
  at: 'number',
});

export const PARKED = table<DeliveryRow>('parked', {
  id: 'text',
  home: 'text',
  twin: 'text',
  destination: 'text',
  delivery: 'json',
  createdAt: 'number',
  expiresAt: 'number',
  attempts: 'integer',
  notBefore: 'number',
});

export const INTENT = table<IntentRow>('intent', {
  id: 'text',
  home: 'text',
  twin: 'text',
  name: 'text',
  args: 'json',
  status: 'text',
  createdAt: 'number',
  expiresAt: 'number',
  sentAt: 'number',
  attempts: 'integer',
  ackedAt: 'number',
  confirmedAt: 'number',
  endedAt: 'number',
  error: 'text',
  cause: 'text',
  correlation: 'text',
  principal: 'text',
});

export const ALERT = table<AlertRow>('alert', {
  id: 'text',
  home: 'text',
  twin: 'text',
  key: 'text',
  severity: 'text',
  status: 'text',
  message: 'text',
  data: 'json',
  raisedAt: 'number',
  acknowledgedAt: 'number',
  acknowledgedBy: 'text',
  clearedAt: 'number',
  cause: 'text',
  correlation: 'text',
});

const STATS = {
  start: 'number',
  count: 'integer',
  sum: 'number',
  min: 'number',
  max: 'number',
  last: 'number',
  lastAt: 'number',
} as const;
export const ROLLUP = table<RollupRow>('rollup', {
  home: 'text',
  twin: 'text',
  measurement: 'text',
  resolution: 'text',
  ...STATS,
});
/** What a rollup row says that its reader has not asked with: start, count, sum, min, max, last, last_at. */
export type BucketTuple = readonly [number, number, number, number, number, number, number];

/** A plain array, without the methods of a table: there may be thousands. */
export function toBuckets(tuples: readonly BucketTuple[]): Bucket[] {
  return tuples.map(([start, count, sum, min, max, last, lastAt]) => {
    return { start, count, sum, min, max, last, lastAt };
  });
}

export const DEAD_LETTER = table<DeadLetterRow>('dead_letter', {
  id: 'text',
  home: 'text',
  twin: 'text',
  source: 'text',
  code: 'text',
  error: 'text',
  hint: 'text',
  at: 'number',
  attempts: 'integer',
  content: 'json',
});

export const CANDIDATE = table<CandidateRow>('candidate', {
  home: 'text',
  twin: 'text',
  kind: 'text',
  via: 'text',
  firstSeenAt: 'number',
  lastSeenAt: 'number',
  messages: 'integer',
  lastEvent: 'json',
});

export const GENERATION = table<GenerationRow>('projection', {
  name: 'text',
  generation: 'integer',
  version: 'integer',
  status: 'text',
  cursor: 'integer',
  start: 'integer',
  since: 'number',
  appliedAt: 'number',
  begunAt: 'number',
  builtAt: 'number',
  skipped: 'integer',
  error: 'text',
});

/** A row without projection and generation, which a reader has asked with. */
export const PROJECTED = table<ProjectedRow>('projection_row', {
  home: 'text',
  twin: 'text',
  key: 'text',
  value: 'json',
});

/** `name = excluded.name, …`: replaces a row on conflict, but for the columns of its key. */
export function replaced(of: Table<unknown>, key: readonly string[]): string {
  return of.columns
    .filter((column) => !key.includes(column.name))
    .map((column) => `${column.name} = excluded.${column.name}`)
    .join(', ');
}
