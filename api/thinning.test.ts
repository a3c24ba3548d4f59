import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FEWEST_POINTS, REDUCTIONS, thinned } from './thinning.ts';

const points = fc
  .array(
    fc.tuple(
      fc.integer({ min: 0, max: 1_000_000 }),
      fc.double({ min: -1e290, max: 1e290, noNaN: true }),
    ),
    { minLength: FEWEST_POINTS + 1, maxLength: 400 },
  )
  .map((all) => all.sort(([a], [b]) => a - b));

describe.each(REDUCTIONS)('thinned by %s', (by) => {
  it('has points of the curve, in their order, with the first and the last, and no more than asked for', () => {
    fc.assert(
      fc.property(points, fc.integer({ min: FEWEST_POINTS, max: 400 }), (all, wanted) => {
        const most = Math.min(wanted, all.length - 1);
        const at = all.map(([moment]) => moment);
        const values = all.map(([, value]) => value);
        const few = thinned({ at, values }, most, by);
        expect(few.at.length).toBe(few.values.length);
        expect(few.at.length).toBeLessThanOrEqual(most);
        if (by === 'lttb') expect(few.at.length).toBe(most);
        // Each is the next of the curve that it can be
        let index = -1;
        for (const [n, moment] of few.at.entries()) {
          index = all.findIndex(
            ([a, v], i) => i > index && a === moment && Object.is(v, few.values[n]),
          );
          expect(index).toBeGreaterThanOrEqual(0);
        }
        expect([few.at[0], few.values[0]]).toEqual([at[0], values[0]]);
        expect([few.at.at(-1), few.values.at(-1)]).toEqual([at.at(-1), values.at(-1)]);
      }),
    );
  });

  it('keeps a peak', () => {
    const at = Array.from({ length: 1_000 }, (_, n) => n);
    const values = at.map((n) => (n === 617 ? 90 : Math.sin(n / 50)));
    expect(thinned({ at, values }, 20, by).values).toContain(90);
  });
});

it('thinned by min-max has the lowest and the highest of each stretch', () => {
  const at = Array.from({ length: 102 }, (_, n) => n);
  const values = at.map((n) => (n % 2 === 0 ? n : -n));
  expect(thinned({ at, values }, 6, 'min-max').values).toEqual([0, -49, 50, -99, 100, -101]);
});
