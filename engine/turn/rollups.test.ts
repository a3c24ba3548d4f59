import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Bucket } from '../model/twin-state.ts';
import {
  addSample,
  increments,
  isMeasurable,
  MEASUREMENT_LIMIT,
  meanOf,
  mergeStats,
  type Sample,
} from './rollups.ts';

const ADDRESS = { home: 'h', twin: 't' };
const MINUTE = 60_000;
/** As many as can be counted, among all samples of a case. */
const MAX_COUNT = 2 ** 53;

const samples = fc.array(
  fc.record({
    at: fc.integer({ min: 0, max: 20 * MINUTE }),
    count: fc.oneof(
      fc.constant(1),
      fc.constant(MAX_COUNT / 64),
      fc.integer({ min: 1, max: MAX_COUNT / 64 }),
    ),
    value: fc.oneof(
      fc.constantFrom(MEASUREMENT_LIMIT, -MEASUREMENT_LIMIT),
      fc.double({ min: -MEASUREMENT_LIMIT, max: MEASUREMENT_LIMIT, noNaN: true }),
    ),
  }),
  { minLength: 1, maxLength: 64 },
);

describe('sums', () => {
  test('of as many of the largest samples as can be counted are finite', () => {
    expect(Number.isFinite(MAX_COUNT * MEASUREMENT_LIMIT)).toBe(true);
  });

  test('of whatever can be measured are finite, and their means within, in buckets and where they merge', () => {
    fc.assert(
      fc.property(samples, (given) => {
        let open: Bucket | undefined;
        let merged: Bucket | undefined;
        for (const { at, count, value } of given) {
          const sample: Sample = {
            at,
            count,
            sum: count * value,
            min: value,
            max: value,
            last: value,
          };
          const added = addSample(ADDRESS, 'm', open, sample);
          open = added.open;
          for (const row of added.rows) merged = merged ? mergeStats(merged, row) : row;
        }
        if (open && merged) merged = mergeStats(merged, open);
        for (const bucket of [open, merged]) {
          if (!bucket) continue;
          expect(Number.isFinite(bucket.sum)).toBe(true);
          expect(meanOf(bucket)).toBeGreaterThanOrEqual(bucket.min);
          expect(meanOf(bucket)).toBeLessThanOrEqual(bucket.max);
        }
      }),
    );
  });

  test.each([Number.NaN, Infinity, -Infinity, 1.1e290, -1.1e290])('take no %d', (value) => {
    expect(isMeasurable(value)).toBe(false);
  });

  test.each([Infinity, -Infinity, Number.NaN, null])(
    'of old that are %s end no telemetry',
    (sum) => {
      // What JSON makes of an infinite sum is null
      const old = {
        start: 0,
        count: 2,
        sum: sum as number,
        min: 1e308,
        max: 1.5e308,
        last: 1e308,
        lastAt: 1,
      };
      expect(increments(ADDRESS, 'm', old)).toEqual([]);
      expect(meanOf(old)).toBeCloseTo(1.25e308, -300);
      const sample = { at: 5 * MINUTE, count: 1, sum: 2, min: 2, max: 2, last: 2 };
      expect(addSample(ADDRESS, 'm', old, sample)).toMatchObject({ open: { sum: 2 }, rows: [] });
    },
  );
});
