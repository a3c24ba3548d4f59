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

const plain = fc.string({ unit: 'binary-ascii', maxLength: 40 });
/** Long and short, plain and not: NUL, lone surrogates, umlauts, the mark of escapes. */
const text = fc.oneof(
  { weight: 4, arbitrary: plain },
  fc.string({ unit: fc.constantFrom('a', '\0', '\ud800', '\udc00', 'ü', '\ue000', '"', '\\') }),
  plain.map((piece) => piece.repeat(30)),
);

test('texts come to the server as they are, or in their escape', () => {
  fc.assert(
    fc.property(fc.array(fc.option(text)), (texts) => {
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
    fc.property(fc.array(value), (values) => {
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
