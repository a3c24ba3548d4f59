import type { Column } from '../tables.ts';
import { EMPTY, NULL, SEPARATOR, toStored, toStoredJson } from '../text.ts';
import { RawText } from './database.ts';

/**
 * Many rows as parameters: one text a column, its values joined by a control character, which the
 * server splits. For 2,000 rows with states of 1.5 KB that takes 106 ms where `json_to_recordset`
 * takes 185 ms and arrays of the driver 280 ms (and 250 ms of this process instead of 35). JSON text
 * has no control characters, and `text.ts` keeps them out of the rest.
 */
const TYPES = {
  text: 'text',
  number: 'double precision',
  integer: 'bigint',
  boolean: 'boolean',
  json: 'json',
} as const;

/** A subquery that gives the rows back; its parameters begin at `$first`. */
export function rowsFrom(columns: readonly Column[], first: number): string {
  const arrays = columns.map(
    (_column, at) => `string_to_array($${first + at}::text, '${SEPARATOR}', '${NULL}')`,
  );
  const values = columns.map(({ name, type }, at) => {
    const value = type === 'text' ? `v${at}` : `v${at}::${TYPES[type]}`;
    return `${value} AS ${name}`;
  });
  const names = columns.map((_column, at) => `v${at}`);
  return `(SELECT ${values.join(', ')} FROM unnest(${arrays.join(', ')}) AS v(${names.join(', ')}))`;
}

export function columnsOf(columns: readonly Column[], rows: readonly object[]): RawText[] {
  return columns.map(({ field, type }) => {
    const values = rows.map((row) => (row as Record<string, unknown>)[field] ?? null);
    return new RawText(type === 'json' ? joinJson(values) : join(values));
  });
}

function join(values: readonly unknown[]): string {
  return values
    .map((value) => {
      if (value === null) return NULL;
      return typeof value === 'string' ? toStored(value) || EMPTY : String(value);
    })
    .join(SEPARATOR);
}

function joinJson(values: readonly unknown[]): string {
  const texts = values.map((value) => (value === null ? NULL : JSON.stringify(value)));
  // escaped as a whole: one look for what hardly ever occurs
  return toStoredJson(texts.join(SEPARATOR));
}
