/** The sun rises, sets, or does something between. */
import { getTimes, type SunTimeName } from 'suncalc';
import { z } from 'zod';
import { id, signedDuration, typed, wait } from '../language/schemas.ts';
import { HOME_TWIN, placeOf } from '../model/home-twin.ts';
import { clockWords } from './clock.ts';
import { type Alarm, type AlarmMoment, defineTrigger, type Trigger } from './trigger.ts';

interface SunTrigger extends Trigger {
  readonly type: 'sun';
  readonly sun: 'sunrise' | 'sunset' | 'dawn' | 'dusk' | 'solarNoon' | 'nadir';
  /** ms; below 0: before it. */
  readonly offset?: number;
  readonly skipIfLaterThan?: number;
}

const DAY_MS = 86_400_000;
/** The steps that the sun of one day counts for. */
const SUN_STEPS = 20;

export const sun = defineTrigger<SunTrigger>({
  type: 'sun',
  schema: z
    .strictObject({
      sun: z.enum(['sunrise', 'sunset', 'dawn', 'dusk', 'solarNoon', 'nadir']),
      offset: signedDuration.optional(),
      skipIfLaterThan: wait.optional(),
      id,
    })
    .transform(typed('sun')),
  check(_trigger, checker, place) {
    const settings = checker.home.twins.get(HOME_TWIN)?.settings;
    if (settings && placeOf({ [HOME_TWIN]: { settings } })) return;
    checker.say(
      `the home's place is not known, so nobody knows when the sun rises: set latitude and longitude of its twin "${HOME_TWIN}"`,
      [...place, 'sun'],
    );
  },
  watches: () => [{ twin: HOME_TWIN }],
  needsPlace: true,
  clock: {
    alarms,
    alarmIds: (_trigger, alarmId) => [alarmId],
    // What does not recur by itself has to be heard, however late, or it would be the last
    isTooLate: ({ skipIfLaterThan }, late) => late > (skipIfLaterThan ?? Number.POSITIVE_INFINITY),
    next: (trigger, alarmId, _late, moment) => alarms(trigger, alarmId, moment),
  },
  words: clockWords,
});

function alarms(trigger: SunTrigger, alarmId: string, moment: AlarmMoment): Alarm[] {
  const at = nextSun(trigger, moment);
  return at === null ? [] : [{ id: alarmId, at, lateness: { policy: 'fire' } }];
}

/** The first such moment after now; null where the home has no place, or the sun does not do so for a year. */
function nextSun(
  { sun: name, offset = 0 }: SunTrigger,
  { now, facts, budget }: AlarmMoment,
): number | null {
  const place = placeOf(facts);
  if (!place) return null;
  for (let day = -1; day <= 366; day++) {
    budget.spend(SUN_STEPS);
    const times = getTimes(new Date(now - offset + day * DAY_MS), place.latitude, place.longitude);
    const at = times[name as SunTimeName];
    if (at instanceof Date && at.getTime() + offset > now) return Math.round(at.getTime() + offset);
  }
  return null;
}
