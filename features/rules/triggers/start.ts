/** The engine has started, once each time. */
import { z } from 'zod';
import { id, typed } from '../language/schemas.ts';
import { defineTrigger, type Trigger } from './trigger.ts';

interface StartTrigger extends Trigger {
  readonly type: 'start';
  readonly start: true;
}

export const start = defineTrigger<StartTrigger>({
  type: 'start',
  schema: z
    .strictObject({ start: z.literal(true), id })
    .transform(typed('start'))
    .describe('The engine has started, once each time'),
  hear: (_trigger, message) => (message.type === 'engine.started' ? {} : null),
  words: {
    en: () => 'the engine had started',
    de: () => 'die Engine gestartet war',
  },
});

export function isStart(trigger: Trigger): boolean {
  return trigger.type === start.type;
}
