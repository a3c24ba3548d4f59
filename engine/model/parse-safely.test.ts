import { expect, test } from 'vitest';
import { z } from 'zod';
import { parseSafely } from './parse-safely.ts';

const schema = z.object({ name: z.string().min(1), tags: z.array(z.string()).max(2).optional() });

test('gives what is valid', () => {
  expect(parseSafely(schema, { name: 'a', tags: [] })).toEqual({
    success: true,
    data: { name: 'a', tags: [] },
  });
});

test('refuses what is not', () => {
  expect(parseSafely(schema, { name: '' }).error?.issues).toMatchObject([{ path: ['name'] }]);
});

test.each([
  { name: { length: { toString: 1 } } },
  { name: 'a', tags: { length: { toString: 1, valueOf: 2 } } },
])('refuses an object with a length that cannot be compared: %j', (given) => {
  expect(() => schema.safeParse(given)).toThrow(TypeError);
  expect(parseSafely(schema, given).error?.issues).toMatchObject([
    { message: expect.stringContaining('a "length" in here is an object') },
  ]);
});

test('does not hide a fault of a schema', () => {
  const faulty = z.string().refine(() => {
    throw new TypeError('of ours');
  });
  expect(() => parseSafely(faulty, 'a')).toThrow('of ours');
});
