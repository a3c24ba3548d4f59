import { expect, test } from 'vitest';
import { iso } from './moment.ts';

test.each([
  0,
  1,
  -1,
  86_399_999,
  -86_400_001,
  Date.parse('2026-01-05T12:00:00.007Z'),
  Date.parse('2026-01-05T09:08:07.654Z'),
  Date.parse('2024-02-29T23:59:59.999Z'),
  Date.parse('0000-01-01T00:00:00.000Z'),
  Date.parse('9999-12-31T23:59:59.999Z'),
  8.64e15,
  -8.64e15,
  1_767_614_400_000.75,
  -0.5,
])('says %d ms as Date does', (ms) => {
  expect(iso(ms)).toBe(new Date(ms).toISOString());
});

test.each([Number.NaN, Number.POSITIVE_INFINITY, 8.64e15 + 86_400_000])('refuses %d ms', (ms) => {
  expect(() => iso(ms)).toThrow(RangeError);
});
