import { expect, it } from 'vitest';
import { decodeCursor } from './cursor.ts';

const cursorOf = (json: string) => Buffer.from(json).toString('base64url');

it('reads what a page has given out', () => {
  expect(decodeCursor<[number, string]>(cursorOf('[0.5,"a"]'), ['number', 'string'])).toEqual([
    ...[0.5, 'a'],
  ]);
  expect(decodeCursor(undefined, ['number'])).toBeNull();
});

it.each(['[1.5]', '[1e300]', '["1"]'])('takes no %s for an integer', (json) => {
  expect(() => decodeCursor<[number]>(cursorOf(json), ['integer'])).toThrow('the cursor is not');
});

it.each(['[2.1e-308]', '[-1e-320]', '["1"]', '[1,2]', '{}', 'null', '[1e999]', 'x'])(
  'refuses what none has given out, and what a store could not read: %s',
  (json) => {
    expect(() => decodeCursor<[number]>(cursorOf(json), ['number'])).toThrow('the cursor is not');
  },
);
