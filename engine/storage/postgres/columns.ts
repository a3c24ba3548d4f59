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
/** The size of an empty array: dimensions, flags and type. */
const EMPTY_BYTES = 12;
const UINT32 = 2 ** 32;
/** Texts longer than this are copied one by one: there it is the copying that takes the time, and once is enough. */
const LONG = 256;
/** The size of the buffer into which columns are written, at first; and how much of it is kept when more was needed. */
const FIRST_BYTES = 64 * 1024;
const KEPT_BYTES = 1024 * 1024;
/** What stands between two texts, where the length of the second goes. */
const LENGTH_GAP = ' '.repeat(LENGTH_BYTES);

/** A subquery that gives the rows back; its parameters begin at `$first`. */
export function rowsFrom(columns: readonly Column[], first: number): string {
  const arrays = columns.map(({ type }, at) => `$${first + at}::${TYPES[type].name}[]`);
  const names = columns.map(({ name }) => name).join(', ');
  return `(SELECT ${names} FROM unnest(${arrays.join(', ')}) AS v(${names}))`;
}

export function columnsOf(columns: readonly Column[], rows: readonly object[]): Buffer[] {
  const writer = new ColumnWriter();
  for (const { field, type } of columns) {
    let isEmpty = true;
    const values: unknown[] = [];
    for (const row of rows) {
      const value = (row as Record<string, unknown>)[field] ?? null;
      if (value !== null) isEmpty = false;
      values.push(value);
    }
    writer.column(type, isEmpty ? [] : values);
  }
  return writer.end();
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

/** Kept between two uses: nothing is awaited in one. */
let scratch = Buffer.allocUnsafe(FIRST_BYTES);

/**
 * Columns, one after another, in one buffer: for a commit of a few rows fifty of them, each with its view, were most
 * of what it made.
 */
class ColumnWriter {
  #buffer = scratch;
  #view = viewOf(scratch);
  #at = 0;
  readonly #ends: number[] = [];

  /** Writes a column. A column of nothing but nulls may be empty: `unnest` fills up with nulls. */
  column(type: Column['type'], values: readonly unknown[]): void {
    if (values.length === 0) this.#empty(type);
    else {
      switch (type) {
        case 'text':
          this.#texts(type, values as (string | null)[]);
          break;
        case 'json':
          this.#texts(
            type,
            values.map((value) => (value === null ? null : JSON.stringify(value))),
          );
          break;
        case 'number':
          this.#fixed(type, 8, values as (number | null)[], (view, at, value) => {
            view.setFloat64(at, value);
          });
          break;
        case 'integer':
          this.#fixed(type, 8, values as (number | null)[], (view, at, value) => {
            view.setInt32(at, Math.floor(value / UINT32));
            view.setUint32(at + 4, value % UINT32);
          });
          break;
        case 'boolean':
          this.#fixed(type, 1, values as (boolean | null)[], (view, at, value) => {
            view.setUint8(at, value ? 1 : 0);
          });
          break;
      }
    }
    this.#ends.push(this.#at);
  }

  end(): Buffer[] {
    const all = Buffer.allocUnsafe(this.#at);
    this.#buffer.copy(all, 0, 0, this.#at);
    scratch = this.#buffer.length > KEPT_BYTES ? Buffer.allocUnsafe(FIRST_BYTES) : this.#buffer;
    let start = 0;
    return this.#ends.map((end) => {
      const array = all.subarray(start, end);
      start = end;
      return array;
    });
  }

  #empty(type: Column['type']): void {
    this.#room(EMPTY_BYTES);
    this.#int32(0);
    this.#int32(0);
    this.#int32(TYPES[type].oid);
  }

  #fixed<T>(
    type: Column['type'],
    width: number,
    values: readonly (T | null)[],
    write: (view: DataView, at: number, value: T) => void,
  ): void {
    this.#room(HEAD_BYTES + values.length * (LENGTH_BYTES + width));
    this.#head(type, values.length);
    for (const value of values) {
      this.#int32(value === null ? NULL_LENGTH : width);
      if (value === null) continue;
      write(this.#view, this.#at, value);
      this.#at += width;
    }
  }

  #texts(type: 'text' | 'json', values: readonly (string | null)[]): void {
    if (!this.#plainTexts(type, values)) this.#anyTexts(type, values);
  }

  /**
   * Texts that are stored as they are, one byte a character: all of them are looked at and copied as one text.
   * @returns false, and has written nothing, when one of them is not so
   */
  #plainTexts(type: 'text' | 'json', values: readonly (string | null)[]): boolean {
    let length = 0;
    for (const text of values) length += text?.length ?? 0;
    if (length > LONG * values.length) return false;
    // `join` leaves nulls empty
    const all = values.join(LENGTH_GAP);
    const isPlain =
      type === 'text' ? !all.includes('\0') : !all.includes('\\u0000') && !all.includes('\\ud');
    if (!isPlain || Buffer.byteLength(all) !== all.length) return false;
    this.#room(HEAD_BYTES + LENGTH_BYTES + all.length);
    this.#head(type, values.length);
    this.#buffer.write(all, this.#at + LENGTH_BYTES, 'latin1');
    for (const text of values) {
      this.#int32(text === null ? NULL_LENGTH : text.length);
      this.#at += text?.length ?? 0;
    }
    return true;
  }

  #anyTexts(type: 'text' | 'json', values: readonly (string | null)[]): void {
    const stored = type === 'text' ? toStored : toStoredJson;
    const texts = values.map((text) => (text === null ? null : stored(text)));
    let bytes = HEAD_BYTES;
    for (const text of texts) bytes += LENGTH_BYTES + (text === null ? 0 : Buffer.byteLength(text));
    this.#room(bytes);
    this.#head(type, texts.length);
    for (const text of texts) {
      const from = this.#at + LENGTH_BYTES;
      const length = text === null ? NULL_LENGTH : this.#buffer.write(text, from);
      this.#int32(length);
      this.#at += Math.max(0, length);
    }
  }

  #head(type: Column['type'], count: number): void {
    this.#int32(1);
    this.#int32(1);
    this.#int32(TYPES[type].oid);
    this.#int32(count);
    this.#int32(1);
  }

  #int32(value: number): void {
    this.#view.setInt32(this.#at, value);
    this.#at += LENGTH_BYTES;
  }

  #room(bytes: number): void {
    const needed = this.#at + bytes;
    if (needed <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.#buffer.length));
    this.#buffer.copy(larger, 0, 0, this.#at);
    this.#buffer = larger;
    this.#view = viewOf(larger);
  }
}

function viewOf({ buffer, byteOffset, length }: Buffer): DataView {
  return new DataView(buffer, byteOffset, length);
}
