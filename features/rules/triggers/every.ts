/** A span has passed, again and again. */
import { z } from 'zod';
import { id, typed, wait } from '../language/schemas.ts';
import { clockWords } from './clock.ts';
import { defineTrigger, type Trigger } from './trigger.ts';

interface EveryTrigger extends Trigger {
  readonly type: 'every';
  /** ms. */
  readonly every: number;
}

export const every = defineTrigger<EveryTrigger>({
  type: 'every',
  schema: z
    .strictObject({ every: wait.refine((ms) => ms >= 1_000, 'at most once a second'), id })
    .transform(typed('every')),
  clock: {
    alarms: (trigger, alarmId, { now }) => [
      { id: alarmId, at: now + trigger.every, lateness: { policy: 'fire' } },
    ],
    alarmIds: (_trigger, alarmId) => [alarmId],
    // From the deadline, not from now: what is late stays in step, and what was missed is passed over
    next: ({ every: span }, alarmId, late, { now }) => [
      {
        id: alarmId,
        at: now - late + span * (Math.floor(late / span) + 1),
        lateness: { policy: 'fire' },
      },
    ],
  },
  words: clockWords,
});
