/** A weekly programme on the wall clock of the home. */
import { z } from 'zod';
import { type LocalTime, localTime } from '../../engine/kind.ts';
import { targetTemperature } from './target-temperature.ts';

/** Applies from `time` on that day until the next point. */
export type ProgrammePoint = {
  /** 1 = Monday … 7 = Sunday. */
  weekday: number;
  /** Local, `HH:MM`. */
  time: string;
  targetTemperature: number;
};

/** Twelve changes a day are a programme; more are something else. */
const MAX_POINTS = 84;

export const programme = z
  .array(
    z.object({
      weekday: z.number().int().min(1).max(7),
      time: z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time of day like "06:30"'),
      targetTemperature,
    }),
  )
  .max(MAX_POINTS)
  .refine(
    (points) =>
      new Set(points.map(({ weekday, time }) => `${weekday} ${time}`)).size === points.length,
    'has two points at the same time of the same day',
  );

/**
 * The point that applies at an instant: the latest one at or before it, or the week's last if none
 * is. Not the point whose timer fired: after a night offline several timers fire, in any order.
 */
export function pointInForce(
  points: readonly ProgrammePoint[],
  at: number,
  timezone: string,
): ProgrammePoint | null {
  const now = minuteOfWeek(localTime(at, timezone));
  let latest: ProgrammePoint | null = null;
  let last: ProgrammePoint | null = null;
  for (const point of points) {
    const minute = minuteOf(point);
    if (minute <= now && (latest === null || minute > minuteOf(latest))) latest = point;
    if (last === null || minute > minuteOf(last)) last = point;
  }
  return latest ?? last;
}

/** One cron expression a time of day, by that time: few timers for many points. */
export function cronsOf(points: readonly ProgrammePoint[]): Map<string, string> {
  const days = new Map<string, number[]>();
  for (const { time, weekday } of points) days.set(time, [...(days.get(time) ?? []), weekday]);
  const crons = new Map<string, string>();
  for (const [time, weekdays] of days) {
    const [hour, minute] = time.split(':').map(Number);
    crons.set(time, `${minute} ${hour} * * ${weekdays.sort().join(',')}`);
  }
  return crons;
}

function minuteOf({ weekday, time }: ProgrammePoint): number {
  const [hour = 0, minute = 0] = time.split(':').map(Number);
  return minuteOfWeek({ weekday, minutes: hour * 60 + minute });
}

function minuteOfWeek({ weekday, minutes }: LocalTime): number {
  return weekday * 24 * 60 + minutes;
}
