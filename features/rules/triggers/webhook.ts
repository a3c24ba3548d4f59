/** Somebody outside calls the webhook of the rule. */
import { z } from 'zod';
import { shown } from '../language/languages.ts';
import { expression, id, KEY, typed } from '../language/schemas.ts';
import { defineTrigger, type Trigger } from './trigger.ts';

interface WebhookTrigger extends Trigger {
  readonly type: 'webhook';
  /** Its name, which ends its address. */
  readonly webhook: string;
  readonly where?: string;
}

export const webhook = defineTrigger<WebhookTrigger>({
  type: 'webhook',
  schema: z
    .strictObject({
      webhook: z
        .string()
        .regex(KEY, 'a webhook’s name is letters, digits and "_", beginning with a letter')
        .describe('Its name, which ends its address'),
      where: expression.optional().describe('Such as trigger.body.button == 1'),
      id,
    })
    .transform(typed('webhook'))
    .describe('Somebody outside calls the webhook of the rule'),
  parts: { where: 'condition' },
  text: ({ where }) => where,
  check(trigger, checker, place) {
    checker.where(trigger, place);
  },
  hear: (trigger, message) =>
    message.type === 'webhook.called' && message.hook === trigger.webhook
      ? { body: message.body }
      : null,
  words: {
    en: (hit) => `the webhook ${shown(hit.id)} was called`,
    de: (hit) => `der Webhook ${shown(hit.id)} aufgerufen wurde`,
  },
});

export function isWebhook(trigger: Trigger): trigger is WebhookTrigger {
  return trigger.type === webhook.type;
}
