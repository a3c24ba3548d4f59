import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fromStored, fromStoredJson } from '../text.ts';
import { columnsOf } from './columns.ts';

/** The elements of an array in the server's binary format, as texts. */
function elementsOf(array: Buffer): (string | null)[] {
  const elements: (string | null)[] = [];
  for (let at = 20; at < array.length; ) {
    const bytes = array.readInt32BE(at);
    at += 4;
    elements.push(bytes < 0 ? null : array.toString('utf8', at, at + bytes));
    at += Math.max(0, bytes);
  }
  return elements;
}

/** Of a column that has some. */
const isSome = (values: readonly unknown[]) => values.some((value) => value !== null);
const plain = fc.string({ unit: 'binary-ascii', maxLength: 40 });
/** Long and short, plain and not: NUL, lone surrogates, umlauts, the mark of escapes. */
const text = fc.oneof(
  { weight: 4, arbitrary: plain },
  fc.string({ unit: fc.constantFrom('a', '\0', '\ud800', '\udc00', 'ü', '\ue000', '"', '\\') }),
  plain.map((piece) => piece.repeat(30)),
);

test('texts come to the server as they are, or in their escape', () => {
  fc.assert(
    fc.property(fc.array(fc.option(text)).filter(isSome), (texts) => {
      const rows = texts.map((one) => ({ one }));
      const [array] = columnsOf([{ field: 'one', name: 'one', type: 'text' }], rows);
      const elements = elementsOf(array as Buffer);
      expect(elements.map((each) => (each === null ? null : fromStored(each)))).toEqual(texts);
      expect(array?.readInt32BE(12)).toBe(texts.length);
      for (const each of elements) expect(each ?? '').not.toMatch(/[\0\ufffd]/);
    }),
  );
});

test('JSON comes to the server as it is, or in its escape', () => {
  const value = fc.option(fc.dictionary(text, fc.oneof(text, fc.integer(), fc.array(text))));
  fc.assert(
    fc.property(fc.array(value).filter(isSome), (values) => {
      const rows = values.map((one) => ({ one }));
      const [array] = columnsOf([{ field: 'one', name: 'one', type: 'json' }], rows);
      const read = elementsOf(array as Buffer).map((each) =>
        each === null ? null : fromStoredJson(each),
      );
      expect(read).toEqual(values.map((each) => each && { ...each }));
      for (const each of elementsOf(array as Buffer)) {
        expect(each ?? '').not.toMatch(/(?<!\\)(\\\\)*\\u(0000|d[89a-f])/i);
      }
    }),
  );
});

test('columns are written one after another, in room that grows', () => {
  const rows = Array.from({ length: 3_000 }, (_, n) => ({
    name: `n${n}`,
    note: n % 7 === 0 ? null : 'long '.repeat(80),
    count: n * 2 ** 33,
    share: n / 7,
    isOn: n % 2 === 0,
    nothing: null,
  }));
  const types = { name: 'text', note: 'text', count: 'integer', share: 'number' } as const;
  const columns = Object.entries({ ...types, isOn: 'boolean', nothing: 'json' } as const).map(
    ([field, type]) => ({ field, name: field, type }),
  );
  for (const some of [rows, rows.slice(0, 2), rows]) {
    const [name, note, count, share, isOn, nothing] = columnsOf(columns, some) as Buffer[];
    const numbers = (array: Buffer, read: (at: number) => unknown, width: number) =>
      some.map((_, n) => read.call(array, 20 + n * (4 + width) + 4));
    expect(elementsOf(name as Buffer)).toEqual(some.map((row) => row.name));
    expect(elementsOf(note as Buffer)).toEqual(some.map((row) => row.note));
    const bigs = numbers(count as Buffer, Buffer.prototype.readBigInt64BE as never, 8);
    expect(bigs.map(Number)).toEqual(some.map((row) => row.count));
    const doubles = numbers(share as Buffer, Buffer.prototype.readDoubleBE as never, 8);
    expect(doubles).toEqual(some.map((row) => row.share));
    const booleans = numbers(isOn as Buffer, Buffer.prototype.readUInt8 as never, 1);
    expect(booleans).toEqual(some.map((row) => Number(row.isOn)));
    // Dimensions, flags, type
    expect([...(nothing as Buffer)]).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 114]);
  }
});
