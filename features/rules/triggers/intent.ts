/** What became of a command to a twin. */
import { z } from 'zod';
import { checkCommandName } from '../checker/values.ts';
import { shown } from '../language/languages.ts';
import { id, type Selector, selector, typed } from '../language/schemas.ts';
import { concerns, fires, firingOf, watchesOfSelector } from './looking.ts';
import { defineTrigger, type Trigger } from './trigger.ts';

interface IntentTrigger extends Trigger, Selector {
  readonly type: 'intent';
  /** What it has become. */
  readonly intent: 'acked' | 'confirmed' | 'failed' | 'expired' | 'superseded';
  /** Its name; absent: any. */
  readonly command?: string;
}

export const intent = defineTrigger<IntentTrigger>({
  type: 'intent',
  schema: z
    .strictObject({
      intent: z.enum(['acked', 'confirmed', 'failed', 'expired', 'superseded']),
      command: z.string().optional(),
      ...selector,
      id,
    })
    .transform(typed('intent'))
    .describe('What became of a command'),
  check(trigger, checker, place) {
    for (const [kind] of checker.whose(trigger, place)) {
      if (kind && trigger.command !== undefined)
        checkCommandName(checker, kind, trigger.command, [...place, 'command']);
    }
  },
  watches: watchesOfSelector,
  move(ready, _memory, input) {
    const { trigger, index } = ready;
    if (!concerns(trigger, input.seen)) return null;
    const found = input.seen.intents.find(
      ({ name, status }) => status === trigger.intent && (trigger.command ?? name) === name,
    );
    if (!found) return null;
    const { id: intentId, name, args, status, error } = found;
    const told = { id: intentId, name, args, status, error: error ?? null };
    return fires(String(index), firingOf(ready, input, { intent: told }));
  },
  words: {
    en: (hit) =>
      `the command ${shown(hit.intent?.name)} of ${hit.twin} was ${String(hit.intent?.status)}`,
    de: (hit) =>
      `der Befehl ${shown(hit.intent?.name)} an ${hit.twin} so endete: ${String(hit.intent?.status)}`,
  },
});
