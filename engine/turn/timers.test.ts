import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Timer } from '../model/twin-state.ts';
import { arm, disarm, lapse, lazyWakeAt, scheduleTimer } from './timers.ts';

const at = (iso: string) => Date.parse(iso);
const cron = (expression: string, now: string, timezone = 'Europe/Berlin') =>
  scheduleTimer(
    { type: 'schedule', id: 's', cron: expression, timezone, event: { type: 'x' } },
    at(now),
  );
const iso = (ms: number | undefined) => (ms === undefined ? null : new Date(ms).toISOString());

describe('a cron schedule in its own timezone', () => {
  test('keeps the wall clock over both changes of the year', () => {
    expect(iso(cron('0 6 * * *', '2026-03-28T12:00:00Z').due)).toBe('2026-03-29T04:00:00.000Z');
    expect(iso(cron('0 6 * * *', '2026-10-24T12:00:00Z').due)).toBe('2026-10-25T05:00:00.000Z');
  });

  test('in the hour that spring skips fires that day all the same, once', () => {
    const timer = cron('30 2 * * *', '2026-03-28T12:00:00Z');
    const day = 24 * 3_600_000;
    expect(timer.due).toBeGreaterThan(at('2026-03-29T00:00:00Z'));
    expect(timer.due).toBeLessThan(at('2026-03-29T02:00:00Z'));
    const next = lapse(timer, timer.due).next;
    expect(iso(next?.due)).toBe('2026-03-30T00:30:00.000Z');
    expect((next?.due ?? 0) - timer.due).toBeLessThanOrEqual(day);
  });

  test('in the hour that autumn repeats fires once', () => {
    const timer = cron('30 2 * * *', '2026-10-24T12:00:00Z');
    expect(timer.due).toBeGreaterThanOrEqual(at('2026-10-25T00:30:00Z'));
    const next = lapse(timer, timer.due).next;
    expect(iso(next?.due)).toBe('2026-10-26T01:30:00.000Z');
  });

  test.each(['nonsense', '61 * * * *'])('that is "%s" is refused with a hint', (expression) => {
    expect(() => cron(expression, '2026-01-01T00:00:00Z')).toThrow(`cron "${expression}"`);
  });

  test('needs a timezone, and not a moment as well', () => {
    const event = { type: 'x' };
    expect(() => scheduleTimer({ type: 'schedule', id: 's', cron: '* * * * *', event }, 0)).toThrow(
      /needs either at, or cron and timezone/,
    );
    expect(() => scheduleTimer({ type: 'schedule', id: 's', event }, 0)).toThrow(/needs either/);
  });
});

describe('a late timer', () => {
  const once = (lateness: Timer['lateness']): Timer => ({
    id: 't',
    due: 1_000,
    event: { type: 'x' },
    lateness,
  });

  test('fires with its lateness, and is spent', () => {
    expect(lapse(once({ policy: 'fire' }), 61_000)).toMatchObject({
      late: 60_000,
      fires: true,
      next: null,
    });
  });

  test('is skipped beyond its bound, not at it', () => {
    expect(lapse(once({ policy: 'skip', bound: 60_000 }), 61_000).fires).toBe(true);
    expect(lapse(once({ policy: 'skip', bound: 60_000 }), 61_001).fires).toBe(false);
  });

  test('of a recurrence, only the latest missed occurrence fires by default', () => {
    const timer = cron('0 * * * *', '2026-01-01T00:10:00Z');
    const lapsed = lapse(timer, at('2026-01-01T05:30:00Z'));
    expect(iso(lapsed.due)).toBe('2026-01-01T05:00:00.000Z');
    expect(iso(lapsed.next?.due)).toBe('2026-01-01T06:00:00.000Z');
  });

  test('of a recurrence with catchUp n, the latest n fire in order', () => {
    let timer: Timer | null = {
      ...cron('0 * * * *', '2026-01-01T00:10:00Z'),
      lateness: { policy: 'catchUp', n: 3 },
    };
    const now = at('2026-01-01T05:30:00Z');
    const fired: (string | null)[] = [];
    while (timer && timer.due <= now) {
      const lapsed = lapse(timer, now);
      fired.push(iso(lapsed.due));
      timer = lapsed.next;
    }
    expect(fired).toEqual([
      '2026-01-01T03:00:00.000Z',
      '2026-01-01T04:00:00.000Z',
      '2026-01-01T05:00:00.000Z',
    ]);
  });
});

test('arming the same id replaces, disarming removes, nothing is changed in place', () => {
  const a: Timer = { id: 'a', due: 1, event: { type: 'x' }, lateness: { policy: 'fire' } };
  const list = Object.freeze([a]);
  expect(arm(list, { ...a, due: 2 })).toEqual([{ ...a, due: 2 }]);
  expect(disarm(list, 'a')).toEqual([]);
  expect(list).toEqual([a]);
});

test('the stored bound is never later than the next deadline', () => {
  fc.assert(
    fc.property(fc.option(fc.nat()), fc.option(fc.nat()), (stored, due) => {
      const bound = lazyWakeAt(stored, due);
      if (due !== null) expect(bound).toBeLessThanOrEqual(due);
      if (stored !== null && due !== null && stored <= due) expect(bound).toBe(stored);
    }),
  );
});
