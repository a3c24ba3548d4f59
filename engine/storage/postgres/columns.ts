import type { Column } from '../tables.ts';
import { toStored, toStoredJson } from '../text.ts';

/**
 * Many rows as parameters: one array a column, in the server's binary format, which it takes apart
 * without reading a single figure or quote, and for which no text has to be escaped. The rows of a twin and
 * its journal take 33 µs there and back, as texts that the server splits and casts 38 µs, and more than
 * twice as much as arrays of the driver.
 *
 * The format is that of `array_recv` in PostgreSQL's source: dimensions (1), whether there are nulls,
 * the elements' type, their number, the first index (1); then of each its length (-1: null) and bytes.
 */
const TYPES: Record<Column['type'], { name: string; oid: number }> = {
  text: { name: 'text', oid: 25 },
  number: { name: 'float8', oid: 701 },
  integer: { name: 'int8', oid: 20 },
  boolean: { name: 'bool', oid: 16 },
  json: { name: 'json', oid: 114 },
};
const HEAD_BYTES = 20;
const DIMENSION_BYTES = 8;
const LENGTH_BYTES = 4;
const DOUBLE_BYTES = 8;
const NULL_LENGTH = -1;
const UINT32 = 2 ** 32;
/** Texts longer than this are copied one by one: there it is the copying that takes the time, and once is enough. */
const LONG = 256;
/** Between two texts, where the length of the second goes. */
const LENGTH_GAP = ' '.repeat(LENGTH_BYTES);

/** A subquery that gives the rows back; its parameters begin at `$first`. */
export function rowsFrom(columns: readonly Column[], first: number): string {
  const arrays = columns.map(({ type }, at) => `$${first + at}::${TYPES[type].name}[]`);
  const names = columns.map(({ name }) => name).join(', ');
  return `(SELECT ${names} FROM unnest(${arrays.join(', ')}) AS v(${names}))`;
}

export function columnsOf(columns: readonly Column[], rows: readonly object[]): Buffer[] {
  return columns.map(({ field, type }) => {
    const values = rows.map((row) => (row as Record<string, unknown>)[field] ?? null);
    return arrayOf(type, values);
  });
}

/**
 * All rows as one value, for reads of thousands of nothing but numbers: an array of arrays, in the same format
 * with a second dimension. The driver would read each figure of each row.
 */
export function asTuples(...expressions: readonly string[]): string {
  return `array_send(array_agg(ARRAY[${expressions.join(', ')}]::float8[])) AS tuples`;
}

/** @param width how many numbers a row has */
export function tuplesFrom<T extends readonly number[]>(
  tuples: Buffer | null | undefined,
  width: T['length'],
): T[] {
  if (!tuples) return [];
  const rows: T[] = [];
  let at = HEAD_BYTES + DIMENSION_BYTES;
  while (at < tuples.length) {
    const row: number[] = [];
    for (let n = 0; n < width; n++) {
      row.push(tuples.readDoubleBE(at + LENGTH_BYTES));
      at += LENGTH_BYTES + DOUBLE_BYTES;
    }
    rows.push(row as unknown as T);
  }
  return rows;
}

function arrayOf(type: Column['type'], values: readonly unknown[]): Buffer {
  switch (type) {
    case 'text':
      return textArray(type, values as (string | null)[]);
    case 'json':
      return textArray(
        type,
        values.map((value) => (value === null ? null : JSON.stringify(value))),
      );
    case 'number':
      return fixedArray(type, 8, values as (number | null)[], (view, at, value) => {
        view.setFloat64(at, value);
      });
    case 'integer':
      return fixedArray(type, 8, values as (number | null)[], (view, at, value) => {
        view.setInt32(at, Math.floor(value / UINT32));
        view.setUint32(at + 4, value % UINT32);
      });
    case 'boolean':
      return fixedArray(type, 1, values as (boolean | null)[], (view, at, value) => {
        view.setUint8(at, value ? 1 : 0);
      });
  }
}

function fixedArray<T>(
  type: Column['type'],
  width: number,
  values: readonly (T | null)[],
  write: (view: DataView, at: number, value: T) => void,
): Buffer {
  const buffer = Buffer.allocUnsafe(HEAD_BYTES + values.length * (LENGTH_BYTES + width));
  const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
  let at = writeHead(view, type, values.length);
  for (const value of values) {
    view.setInt32(at, value === null ? NULL_LENGTH : width);
    at += LENGTH_BYTES;
    if (value === null) continue;
    write(view, at, value);
    at += width;
  }
  return buffer.subarray(0, at);
}

function textArray(type: 'text' | 'json', values: readonly (string | null)[]): Buffer {
  return plainTextArray(type, values) ?? anyTextArray(type, values);
}

/**
 * Of texts that are stored as they are, one byte a character: all of them are looked at and copied as one text.
 * @returns null when one of them is not so
 */
function plainTextArray(type: 'text' | 'json', values: readonly (string | null)[]): Buffer | null {
  let length = 0;
  for (const text of values) length += text?.length ?? 0;
  if (length > LONG * values.length) return null;
  // `join` leaves nulls empty
  const all = values.join(LENGTH_GAP);
  const isPlain =
    type === 'text' ? !all.includes('\0') : !all.includes('\\u0000') && !all.includes('\\ud');
  if (!isPlain || Buffer.byteLength(all) !== all.length) return null;
  const buffer = Buffer.allocUnsafe(HEAD_BYTES + LENGTH_BYTES + all.length);
  const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
  let at = writeHead(view, type, values.length);
  buffer.write(all, at + LENGTH_BYTES, 'latin1');
  for (const text of values) {
    view.setInt32(at, text === null ? NULL_LENGTH : text.length);
    at += LENGTH_BYTES + (text?.length ?? 0);
  }
  return buffer.subarray(0, at);
}

function anyTextArray(type: 'text' | 'json', values: readonly (string | null)[]): Buffer {
  const stored = type === 'text' ? toStored : toStoredJson;
  const texts = values.map((text) => (text === null ? null : stored(text)));
  let bytes = HEAD_BYTES;
  for (const text of texts) bytes += LENGTH_BYTES + (text === null ? 0 : Buffer.byteLength(text));
  const buffer = Buffer.allocUnsafe(bytes);
  const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
  let at = writeHead(view, type, texts.length);
  for (const text of texts) {
    const from = at + LENGTH_BYTES;
    const to = text === null ? from : from + buffer.write(text, from);
    view.setInt32(at, text === null ? NULL_LENGTH : to - from);
    at = to;
  }
  return buffer;
}

function writeHead(view: DataView, type: Column['type'], count: number): number {
  view.setInt32(0, 1);
  view.setInt32(4, 1);
  view.setInt32(8, TYPES[type].oid);
  view.setInt32(12, count);
  view.setInt32(16, 1);
  return HEAD_BYTES;
}
