import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { systemClock } from './clock.ts';

const HOUR_MS = 3_600_000;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** The times, in ms from now, at which it is called while the given time passes. */
function ringing(): { rung: number[]; ring: () => void } {
  const rung: number[] = [];
  const began = Date.now();
  return { rung, ring: () => rung.push(Date.now() - began) };
}

test('a deadline comes at its time, once', () => {
  const { rung, ring } = ringing();
  systemClock.schedule(Date.now() + HOUR_MS, ring);
  vi.advanceTimersByTime(HOUR_MS - 1);
  expect(rung).toEqual([]);
  vi.advanceTimersByTime(HOUR_MS);
  expect(rung).toEqual([HOUR_MS]);
});

test('a clock that is set past a deadline is noticed within a second', () => {
  const { rung, ring } = ringing();
  systemClock.schedule(Date.now() + HOUR_MS, ring);
  vi.setSystemTime(Date.now() + 2 * HOUR_MS);
  vi.advanceTimersByTime(1_000);
  expect(rung).toHaveLength(1);
});

test('a clock that is set back holds up a deadline, and no delay', () => {
  const { rung, ring } = ringing();
  const waited = ringing();
  systemClock.schedule(Date.now() + 1_000, ring);
  systemClock.delay(1_000, waited.ring);
  vi.setSystemTime(Date.now() - HOUR_MS);
  vi.advanceTimersByTime(HOUR_MS);
  expect(waited.rung).toHaveLength(1);
  expect(rung).toEqual([]);
  vi.advanceTimersByTime(1_000);
  expect(rung).toHaveLength(1);
});

test('what is disposed of does not come', () => {
  const { rung, ring } = ringing();
  systemClock.schedule(Date.now() + 10_000, ring)[Symbol.dispose]();
  systemClock.delay(10_000, ring)[Symbol.dispose]();
  vi.advanceTimersByTime(HOUR_MS);
  expect(rung).toEqual([]);
});
