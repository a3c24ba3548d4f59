/** Triggers of time as schedules: what a rule arms when it is enabled, and the next sun. */
import { getTimes, type SunTimeName } from 'suncalc';
import type { Effect, Facts, Lateness } from '../../../engine/kind.ts';
import type { Budget } from '../expressions/budget.ts';
import type { Trigger } from '../language/definition.ts';
import type { TriggerFiring } from './memory.ts';
import { HOME_TWIN, type ReadyTrigger } from './program.ts';

/** A stored deadline of the rule. */
export interface Alarm {
  id: string;
  at?: number;
  cron?: string;
  timezone?: string;
  lateness: Lateness;
}

/** Where a home is; null: nobody has said. */
export function placeOf(facts: Facts): { latitude: number; longitude: number } | null {
  const settings = facts[HOME_TWIN]?.settings;
  if (typeof settings !== 'object' || settings === null || Array.isArray(settings)) return null;
  const { latitude, longitude } = settings;
  return typeof latitude === 'number' && typeof longitude === 'number'
    ? { latitude, longitude }
    : null;
}

/** What alarms of the rule's own triggers are called; of those that a thread waits for, {@link waitPrefix}. */
const OWN = 'trigger:';

export function waitPrefix(run: { id: number }, thread: { id: number }): string {
  return `${timerOf(run, thread)}:`;
}

/** What the end of a thread's delay or timeout is called. */
export function timerOf(run: { id: number }, thread: { id: number }): string {
  return `run:${run.id}:${thread.id}`;
}

/** Whether it fires by itself, again and again. */
export function isClock({ type }: Trigger): boolean {
  return type === 'cron' || type === 'time' || type === 'every' || type === 'sun';
}

/** What a clock that fires is to the run that it sets off or ends the wait of. */
export function clockHit({ index, id, trigger }: ReadyTrigger, at: number): TriggerFiring {
  return { trigger: index, id, type: trigger.type, at };
}

interface Surroundings {
  now: number;
  timezone: string;
  facts: Facts;
  budget: Budget;
}

const ALARM_STEPS = 20;
/** Of a day whose sun is computed. */
const SUN_STEPS = 20;

/** The schedules of a trigger from `now` on (epoch ms); none for one that no clock fires. */
export function alarmsOf(
  { trigger, index }: ReadyTrigger,
  { now, timezone, facts, budget }: Surroundings,
  prefix = OWN,
): Alarm[] {
  budget.spend(ALARM_STEPS);
  const id = `${prefix}${index}`;
  switch (trigger.type) {
    case 'cron':
      return [
        {
          id,
          cron: trigger.cron,
          timezone: trigger.timezone ?? timezone,
          lateness: latenessOf(trigger),
        },
      ];
    case 'time':
      return trigger.at.map((minutes) => ({
        id: atId(id, minutes),
        cron: `${minutes % 60} ${Math.floor(minutes / 60)} * * ${(trigger.weekdays ?? ['*']).join()}`,
        timezone,
        lateness: latenessOf(trigger),
      }));
    case 'every':
      return [{ id, at: now + trigger.every, lateness: { policy: 'fire' } }];
    case 'sun': {
      const at = nextSun(trigger, now, facts, budget);
      // What does not recur by itself has to be heard, however late, or it would be the last: see isTooLate
      return at === null ? [] : [{ id, at, lateness: { policy: 'fire' } }];
    }
    default:
      return [];
  }
}

/** The ids of a trigger's alarms, whether they are set or not. */
export function alarmIdsOf({ trigger, index }: ReadyTrigger, prefix = OWN): string[] {
  const id = `${prefix}${index}`;
  switch (trigger.type) {
    case 'cron':
    case 'every':
    case 'sun':
      return [id];
    case 'time':
      return trigger.at.map((minutes) => atId(id, minutes));
    default:
      return [];
  }
}

function atId(id: string, minutes: number): string {
  return `${id}:${minutes}`;
}

export function scheduleOf({ id, ...alarm }: Alarm): Effect {
  return { type: 'schedule', id, ...alarm, event: { type: 'due', what: id } };
}

/** Whether an alarm that has come is to be passed over. @param late ms after its deadline */
export function isTooLate({ trigger }: ReadyTrigger, late = 0): boolean {
  return trigger.type === 'sun' && late > (trigger.skipIfLaterThan ?? Number.POSITIVE_INFINITY);
}

function latenessOf({ skipIfLaterThan }: { skipIfLaterThan?: number | undefined }): Lateness {
  return skipIfLaterThan === undefined
    ? { policy: 'fire' }
    : { policy: 'skip', bound: skipIfLaterThan };
}

const DAY_MS = 86_400_000;

/** The first such moment after `now`; null where the home has no place, or the sun does not do so for a year. */
function nextSun(
  { sun, offset = 0 }: Extract<Trigger, { type: 'sun' }>,
  now: number,
  facts: Facts,
  budget: Budget,
): number | null {
  const place = placeOf(facts);
  if (!place) return null;
  for (let day = -1; day <= 366; day++) {
    budget.spend(SUN_STEPS);
    const times = getTimes(new Date(now - offset + day * DAY_MS), place.latitude, place.longitude);
    const at = times[sun as SunTimeName];
    if (at instanceof Date && at.getTime() + offset > now) return Math.round(at.getTime() + offset);
  }
  return null;
}
