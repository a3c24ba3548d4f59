import { describe, expect, it } from 'vitest';
import { localDate, localTime } from './local-time.ts';

const at = (iso: string) => Date.parse(iso);

describe('localDate', () => {
  it.each([
    ['2026-01-04T23:00:00Z', 'Europe/Berlin', '2026-01-05'],
    ['2026-01-04T22:59:59Z', 'Europe/Berlin', '2026-01-04'],
    ['2026-01-01T03:29:59Z', 'America/St_Johns', '2025-12-31'],
    ['2026-01-01T03:30:00Z', 'America/St_Johns', '2026-01-01'],
    ['2028-02-28T18:15:00Z', 'Asia/Kathmandu', '2028-02-29'],
    ['2026-03-28T23:30:00Z', 'Europe/Berlin', '2026-03-29'],
    ['2026-10-25T23:30:00Z', 'Europe/Berlin', '2026-10-26'],
  ])('is the date on the wall: %s in %s is %s', (instant, timezone, date) => {
    expect(localDate(at(instant), timezone)).toBe(date);
  });

  it('changes when the wall clock shows midnight', () => {
    for (const timezone of ['Europe/Berlin', 'Asia/Kathmandu', 'Pacific/Chatham']) {
      const midnight = Array.from(
        { length: 96 },
        (_, n) => at('2026-07-07T00:00:00Z') + n * 900_000,
      ).find((instant) => localTime(instant, timezone).minutes === 0) as number;
      expect(localDate(midnight - 1, timezone)).not.toBe(localDate(midnight, timezone));
    }
  });

  it('refuses what is no timezone', () => {
    expect(() => localDate(0, 'Europe/Atlantis')).toThrow(RangeError);
  });
});
