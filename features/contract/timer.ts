import { z } from 'zod';
import type { TwinRow } from '../../engine/index.ts';
import { AnyObject } from './json-value.ts';
import { iso, Moment } from './moment.ts';

type TimerRow = TwinRow['state']['timers'][number];

const Lateness = z
  .union([
    z.object({ policy: z.literal('fire') }),
    z.object({ policy: z.literal('skip'), bound: z.number().describe('Milliseconds.') }),
    z.object({ policy: z.literal('catchUp'), n: z.int() }),
  ])
  .describe(
    'What happens when it is found late: fire anyway, let it pass when later than a bound, or catch up on missed occurrences.',
  );

export const Timer = z
  .object({
    id: z.string(),
    due: Moment,
    event: AnyObject.describe('What the twin is told then.'),
    lateness: Lateness,
    cron: z
      .object({ expression: z.string(), timezone: z.string() })
      .optional()
      .describe('Set for recurrences.'),
  })
  .meta({ id: 'Timer', description: 'A stored deadline of a twin. It survives restarts.' });
export type Timer = z.infer<typeof Timer>;

export function toTimer({ id, due, event, lateness, cron }: TimerRow): Timer {
  return {
    id,
    due: iso(due),
    event: event as Timer['event'],
    lateness,
    ...(cron && { cron }),
  };
}
