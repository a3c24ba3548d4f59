/** Weekly periods and the days that are exceptions, on the wall clock of the home. */
import { z } from 'zod';
import { localDate, localTime } from '../../engine/kind.ts';

/** Said while a period lasts. */
export type Value = string | number | boolean | null;

/** Lasts from `from` until just before `to`, local `HH:MM`. Where `to` is not later, it is on the next day. */
export type Period = { from: string; to: string; value?: Value };

/** It belongs to the days on which it begins; 1 = Monday … 7 = Sunday. */
export type WeeklyPeriod = Period & { weekdays: number[] };

/** Days (`YYYY-MM-DD`, both included) that have these periods and none of the week's. */
export type Exception = { from: string; to: string; periods: Period[] };

export type Plan = { weekly: readonly WeeklyPeriod[]; exceptions: readonly Exception[] };

/** What a plan comes to at an instant. */
export type Planned = { active: boolean; value: Value };

const MAX_ENTRIES = 100;
const MAX_PERIODS_A_DAY = 24;
const EVERY_DAY = [1, 2, 3, 4, 5, 6, 7];

const time = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time of day like "06:30"');
const period = {
  from: time,
  to: time,
  value: z.union([z.string().max(256), z.number(), z.boolean(), z.null()]).exactOptional(),
};

export const weekly = z
  .array(z.object({ weekdays: z.array(z.number().int().min(1).max(7)).min(1).max(7), ...period }))
  .max(MAX_ENTRIES);

export const exceptions = z
  .array(
    z
      .object({
        from: z.iso.date(),
        to: z.iso.date(),
        periods: z.array(z.object(period)).max(MAX_PERIODS_A_DAY),
      })
      .refine(({ from, to }) => from <= to, 'ends before it begins'),
  )
  .max(MAX_ENTRIES);

/**
 * What applies at an instant, by the wall clock alone: not by the timer that fired, as after a night offline
 * several fire, in any order. Where periods overlap, the first one's value counts.
 */
export function plannedAt(plan: Plan, at: number, timezone: string): Planned {
  const { weekday, minutes } = wallTime(at, timezone);
  const exception = exceptionOn(plan, at, timezone);
  // The middle of the day before, whatever the clock has been put forward or back by since
  const eve = at - (minutes + 12 * 60) * 60_000;
  const eveException = exceptionOn(plan, eve, timezone);
  const today = periodsOn(plan, exception, weekday).filter(
    ({ from, to }) => minutesOf(from) <= minutes && (to <= from || minutes < minutesOf(to)),
  );
  // A day that is an exception begins afresh: nothing of another plan runs into it
  const runsOver = exception === undefined || exception === eveException;
  const sinceYesterday = runsOver
    ? periodsOn(plan, eveException, weekday === 1 ? 7 : weekday - 1).filter(
        ({ from, to }) => to <= from && minutes < minutesOf(to),
      )
    : [];
  const [first] = [...today, ...sinceYesterday];
  return first ? { active: true, value: first.value ?? null } : { active: false, value: null };
}

/** One cron expression a time of day at which something may begin or end, by that time. */
export function cronsOf({ weekly, exceptions }: Plan): Map<string, string> {
  const days = new Map<string, Set<number>>();
  const add = (time: string, weekdays: readonly number[]) => {
    days.set(time, new Set([...(days.get(time) ?? []), ...weekdays]));
  };
  for (const { weekdays, from, to } of weekly) {
    add(from, weekdays);
    add(to, to <= from ? weekdays.map((day) => (day % 7) + 1) : weekdays);
  }
  // At midnight an exception cuts off what the week has begun
  if (exceptions.length > 0) add('00:00', EVERY_DAY);
  for (const { from, to } of exceptions.flatMap(({ periods }) => periods)) {
    add(from, EVERY_DAY);
    add(to, EVERY_DAY);
  }
  const crons = new Map<string, string>();
  for (const [time, weekdays] of days) {
    const minutes = minutesOf(time);
    const on = weekdays.size === 7 ? '*' : [...weekdays].sort().join(',');
    crons.set(time, `${minutes % 60} ${Math.floor(minutes / 60)} * * ${on}`);
  }
  return crons;
}

/**
 * The wall clock as the crons see it: of an hour that autumn shows twice they fire the first time only, so
 * the second time stands at its end. Otherwise whoever looked then would bring back what has ended.
 */
function wallTime(at: number, timezone: string): { weekday: number; minutes: number } {
  const now = localTime(at, timezone);
  const isRepeated = [60, 30].some(
    (shift) => localTime(at - shift * 60_000, timezone).minutes === now.minutes,
  );
  return isRepeated ? { ...now, minutes: now.minutes - (now.minutes % 60) + 59 } : now;
}

/** The exception of a day; of several, the first. */
function exceptionOn({ exceptions }: Plan, at: number, timezone: string): Exception | undefined {
  if (exceptions.length === 0) return undefined;
  const date = localDate(at, timezone);
  return exceptions.find(({ from, to }) => from <= date && date <= to);
}

function periodsOn(
  { weekly }: Plan,
  exception: Exception | undefined,
  weekday: number,
): readonly Period[] {
  return exception?.periods ?? weekly.filter(({ weekdays }) => weekdays.includes(weekday));
}

function minutesOf(time: string): number {
  const [hour = 0, minute = 0] = time.split(':').map(Number);
  return hour * 60 + minute;
}
