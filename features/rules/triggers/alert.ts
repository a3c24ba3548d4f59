/** An alert of a twin is raised, acknowledged or cleared. */
import { z } from 'zod';
import { shown } from '../language/languages.ts';
import { id, type Selector, selector, typed } from '../language/schemas.ts';
import { concerns, fires, firingOf, watchesOfSelector } from './looking.ts';
import { defineTrigger, type Trigger } from './trigger.ts';

interface AlertTrigger extends Trigger, Selector {
  readonly type: 'alert';
  /** Its key; `*`: any. */
  readonly alert: string;
  readonly is: 'raised' | 'acknowledged' | 'cleared';
}

export const alert = defineTrigger<AlertTrigger>({
  type: 'alert',
  schema: z
    .strictObject({
      alert: z.string().describe('The key of an alert, or * for any'),
      is: z.enum(['raised', 'acknowledged', 'cleared']).default('raised'),
      ...selector,
      id,
    })
    .transform(typed('alert'))
    .describe('An alert is raised, acknowledged or cleared'),
  check(trigger, checker, place) {
    checker.whose(trigger, place);
  },
  watches: watchesOfSelector,
  move(ready, _memory, input) {
    const { trigger, index } = ready;
    if (!concerns(trigger, input.seen)) return null;
    const found = input.seen.alerts.find(
      ({ key, status }) =>
        status === trigger.is && (trigger.alert === '*' || trigger.alert === key),
    );
    if (!found) return null;
    const { id: alertId, key, status, severity, message } = found;
    const told = { id: alertId, key, status, severity, message };
    return fires(String(index), firingOf(ready, input, { alert: told }));
  },
  words: {
    en: (hit) =>
      `the alert ${shown(hit.alert?.key)} of ${hit.twin} was ${String(hit.alert?.status)}`,
    de: (hit) =>
      `sich der Alarm ${shown(hit.alert?.key)} von ${hit.twin} änderte (${String(hit.alert?.status)})`,
  },
});
