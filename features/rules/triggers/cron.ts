/** A cron expression has come. */
import { CronExpressionParser } from 'cron-parser';
import { z } from 'zod';
import { didYouMean } from '../../contract/suggest.ts';
import { id, typed, wait } from '../language/schemas.ts';
import { clockWords, latenessOf } from './clock.ts';
import { defineTrigger, type Trigger } from './trigger.ts';

interface CronTrigger extends Trigger {
  readonly type: 'cron';
  readonly cron: string;
  readonly timezone?: string;
  readonly skipIfLaterThan?: number;
}

export const cron = defineTrigger<CronTrigger>({
  type: 'cron',
  schema: z
    .strictObject({
      cron: z.string().describe('minute hour day month weekday'),
      timezone: z.string().optional().describe('An IANA name; otherwise the home’s'),
      skipIfLaterThan: wait.optional(),
      id,
    })
    .transform(typed('cron')),
  check(trigger, checker, place) {
    try {
      CronExpressionParser.parse(trigger.cron);
    } catch (thrown) {
      const why = thrown instanceof Error ? thrown.message : String(thrown);
      checker.say(`is no cron expression: ${why}`, [...place, 'cron']);
    }
    const { timezone } = trigger;
    if (timezone === undefined || isTimezone(timezone)) return;
    const near =
      didYouMean(timezone, Intl.supportedValuesOf('timeZone')) ||
      '; use an IANA name such as Europe/Berlin';
    checker.say(`"${timezone}" is no timezone${near}`, [...place, 'timezone']);
  },
  clock: {
    alarms: (trigger, alarmId, { timezone }) => [
      {
        id: alarmId,
        cron: trigger.cron,
        timezone: trigger.timezone ?? timezone,
        lateness: latenessOf(trigger),
      },
    ],
    alarmIds: (_trigger, alarmId) => [alarmId],
  },
  words: clockWords,
});

function isTimezone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
