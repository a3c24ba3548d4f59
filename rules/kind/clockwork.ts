/** Triggers of time as schedules: what a rule arms when it is enabled, and the next sun. */
import { getTimes, type SunTimeName } from 'suncalc';
import type { Facts, Lateness } from '../../engine/kind.ts';
import type { Trigger } from '../language/definition.ts';
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

/** The schedules of a trigger from `now` on (epoch ms); none for one that no clock fires. */
export function alarmsOf(
  { trigger, index }: ReadyTrigger,
  now: number,
  timezone: string,
  facts: Facts,
): Alarm[] {
  const id = `trigger:${index}`;
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
        id: `${id}:${minutes}`,
        cron: `${minutes % 60} ${Math.floor(minutes / 60)} * * ${(trigger.weekdays ?? ['*']).join()}`,
        timezone,
        lateness: latenessOf(trigger),
      }));
    case 'every':
      return [{ id, at: now + trigger.every, lateness: { policy: 'fire' } }];
    case 'sun': {
      const at = nextSun(trigger, now, facts);
      return at === null ? [] : [{ id, at, lateness: latenessOf(trigger) }];
    }
    default:
      return [];
  }
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
): number | null {
  const place = placeOf(facts);
  if (!place) return null;
  for (let day = -1; day <= 366; day++) {
    const times = getTimes(new Date(now - offset + day * DAY_MS), place.latitude, place.longitude);
    const at = times[sun as SunTimeName];
    if (at instanceof Date && at.getTime() + offset > now) return Math.round(at.getTime() + offset);
  }
  return null;
}
