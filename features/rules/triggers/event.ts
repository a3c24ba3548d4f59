/** A twin gets an event. */
import { z } from 'zod';
import type { JsonObject } from '../../../engine/kind.ts';
import { didYouMean } from '../../contract/suggest.ts';
import { shown } from '../language/languages.ts';
import {
  expression,
  id,
  namesSomebody,
  type Selector,
  selector,
  typed,
  WHOSE,
} from '../language/schemas.ts';
import { concerns, fires, firingOf, isWhere, watchesOfSelector } from './looking.ts';
import { defineTrigger, type Trigger } from './trigger.ts';

interface EventTrigger extends Trigger, Selector {
  readonly type: 'event';
  readonly event: string;
  readonly where?: string;
}

export const event = defineTrigger<EventTrigger>({
  type: 'event',
  schema: z
    .strictObject({ event: z.string(), ...selector, where: expression.optional(), id })
    .refine(namesSomebody, WHOSE)
    .transform(typed('event'))
    .describe('A twin gets an event'),
  parts: { where: 'condition' },
  text: ({ where }) => where,
  check(trigger, checker, place) {
    for (const [kind] of checker.whose(trigger, place)) {
      if (!kind || Object.hasOwn(kind.events, trigger.event)) continue;
      const near = didYouMean(trigger.event, Object.keys(kind.events));
      checker.say(`a ${kind.kind} knows no event "${trigger.event}"${near}`, [...place, 'event']);
    }
    checker.where(trigger, place);
  },
  watches: watchesOfSelector,
  move(ready, _memory, input, miss) {
    const { trigger, index } = ready;
    const { seen } = input;
    if (!concerns(trigger, seen) || seen.event.type !== trigger.event) return null;
    const hit = firingOf(ready, input, { event: seen.event as JsonObject });
    return isWhere(ready, hit, input, miss) ? fires(String(index), hit) : null;
  },
  words: {
    en: (hit) => `${hit.twin} got the event ${shown(hit.event?.type)}`,
    de: (hit) => `${hit.twin} das Ereignis ${shown(hit.event?.type)} bekam`,
  },
});
