import { expect, test } from 'vitest';
import { labelChanges, labelOf } from './labels.ts';

test('a label is a boolean or a text; numbers and structures are none', () => {
  const values = [true, false, 'eco', '', 1, null, undefined, {}, []];
  expect(values.map(labelOf)).toEqual([true, false, 'eco', '', null, null, null, null, null]);
});

test('a long text counts by its beginning', () => {
  expect(labelOf('x'.repeat(500))).toBe('x'.repeat(120));
  const [a, b] = ['y', 'z'].map((end) => ({ note: 'x'.repeat(120) + end }));
  expect(labelChanges(a ?? {}, b ?? {})).toBeNull();
});

test('what changes is what differs, comes or goes', () => {
  const same = { on: true };
  expect(labelChanges(same, same)).toBeNull();
  expect(labelChanges({ on: true, power: 1 }, { on: true, power: 2 })).toBeNull();
  expect(labelChanges({ on: true, mode: 'eco' }, { on: false, mode: 'eco' })).toEqual({
    on: false,
  });
  expect(labelChanges({}, { on: true, power: 1 })).toEqual({ on: true });
  expect(labelChanges({ on: true, power: 1 }, {})).toEqual({ on: null });
  expect(labelChanges({ mode: 'eco' }, { mode: 3 })).toEqual({ mode: null });
});

test('a value may have any name', () => {
  const odd = JSON.parse('{"__proto__": "a", "constructor": true}') as { [key: string]: string };
  expect(JSON.stringify(labelChanges({}, odd))).toBe('{"__proto__":"a","constructor":true}');
});
