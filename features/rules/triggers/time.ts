/** A time of day has come. */
import { z } from 'zod';
import { id, oneOrMore, timeOfDay, typed, wait, weekdays } from '../language/schemas.ts';
import { clockWords, latenessOf } from './clock.ts';
import { defineTrigger, type Trigger } from './trigger.ts';

interface TimeTrigger extends Trigger {
  readonly type: 'time';
  /** Minutes since midnight, in the home's timezone. */
  readonly at: number[];
  /** 1 is Monday. */
  readonly weekdays?: number[];
  readonly skipIfLaterThan?: number;
}

export const time = defineTrigger<TimeTrigger>({
  type: 'time',
  schema: z
    .strictObject({
      at: oneOrMore(timeOfDay),
      weekdays: weekdays.optional(),
      skipIfLaterThan: wait.optional(),
      id,
    })
    .transform(typed('time'))
    .describe('A time of day'),
  clock: {
    alarms: (trigger, alarmId, { timezone }) =>
      trigger.at.map((minutes) => ({
        id: `${alarmId}:${minutes}`,
        cron: `${minutes % 60} ${Math.floor(minutes / 60)} * * ${(trigger.weekdays ?? ['*']).join()}`,
        timezone,
        lateness: latenessOf(trigger),
      })),
    alarmIds: (trigger, alarmId) => trigger.at.map((minutes) => `${alarmId}:${minutes}`),
  },
  words: clockWords,
});
