import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fromStored, fromStoredJson, toStored, toStoredJson } from './text.ts';

const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  // UTF-16 as it comes: halves of pairs, NUL, the mark itself and what follows it
  fc
    .array(fc.constantFrom('\0', '\ud83c', '\udf21', '\ue000', 'e', '0000', '\\', 'u0000', 'ä'))
    .map((parts) => parts.join('')),
);
const FORBIDDEN = /[\0\ud800-\udfff]/u;

test('any text survives, and is stored as text that every database takes', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      expect(toStored(text)).not.toMatch(FORBIDDEN);
      expect(fromStored(toStored(text))).toBe(text);
    }),
  );
});

test('any JSON survives, and is stored as JSON that jsonb takes', () => {
  fc.assert(
    fc.property(fc.dictionary(anyText, fc.array(anyText)), (dictionary) => {
      const json = JSON.stringify(dictionary);
      const stored = toStoredJson(json);
      expect(stored).not.toMatch(FORBIDDEN);
      expect(JSON.stringify(JSON.parse(stored))).not.toMatch(/(?<!\\)(\\\\)*\\u(0000|d[89a-f])/);
      expect(JSON.stringify(fromStoredJson(stored))).toBe(json);
    }),
  );
});

test('everyday text is stored as it is', () => {
  for (const text of ['', 'Wohnzimmer 🌡️ 21 °C', 'it\'s \\ "quoted"\n']) {
    expect(toStored(text)).toBe(text);
    expect(toStoredJson(JSON.stringify({ text }))).toBe(JSON.stringify({ text }));
  }
});
