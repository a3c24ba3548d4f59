/** Triggers of webhooks, of a start, of messages and of events. */
import type { JsonObject } from '../../engine/kind.ts';
import { parseRule } from '../../features/rules/authoring.ts';
import { Fields, jsonOf, plainText, type Spot, textOf, Untranslatable } from './part.ts';
import type { Translation } from './translation.ts';

// ── messages ─────────────────────────────────────────────────────────────────────────────────

export function webhookTrigger(fields: Fields, translation: Translation): JsonObject {
  const id = fields.take('webhook_id');
  if (!id) throw new Untranslatable(fields.at, 'it has no id', 'give "webhook_id"');
  fields.take('allowed_methods', 'local_only');
  fields.take('local_only');
  const text = plainText(id, 'the id');
  const webhook = text
    .replaceAll(/[^A-Za-z0-9_]/g, '_')
    .replace(/^(?=\d)/, 'w')
    .slice(0, 64);
  translation.assume(
    id.at,
    `the webhook is called "${webhook}", its address is that of this rule, and who calls it needs a key`,
    'change the address where it is called',
  );
  return { webhook };
}

export function startTrigger(fields: Fields, at: Spot): JsonObject {
  const event = fields.take('event');
  const text = event ? plainText(event, 'the event') : 'start';
  if (text !== 'start')
    throw new Untranslatable(
      at,
      `nothing is told of "${text}" to rules`,
      'take the start: { start: true }',
    );
  return ifSpoken(
    { start: true },
    at,
    'a start of the server',
    'waits and times of rules outlive a restart, so what has to be done anew after it may not be needed; else { every: 1h }',
  );
}

export function mqttTrigger(fields: Fields, at: Spot): JsonObject {
  const topic = fields.take('topic');
  const payload = fields.take('payload');
  const template = fields.take('value_template');
  fields.take('encoding');
  fields.take('qos');
  if (!topic) throw new Untranslatable(fields.at, 'it has no topic', 'give "topic"');
  if (template)
    throw new Untranslatable(
      template.at,
      'a part of a message is no trigger of its own',
      'let a codec make the message a report of a twin, and take the value of the twin',
    );
  const trigger = {
    mqtt: plainText(topic, 'the topic'),
    ...(payload && { payload: plainText(payload, 'the payload') }),
  };
  return ifSpoken(
    trigger,
    at,
    'a message of MQTT',
    'let a codec make the message a report of a twin, and take the value of the twin',
  );
}

export function eventTrigger(fields: Fields, at: Spot): JsonObject {
  const type = fields.take('event_type');
  const data = fields.take('event_data');
  const name = type ? textOf(type, 'the event') : '';
  if (/^homeassistant_start(ed)?$/.test(name))
    return startTrigger(new Fields({ type: 'map', at, entries: new Map(), twice: [] }, 'it'), at);
  const shown = data ? ` with ${JSON.stringify(jsonOf(data)).slice(0, 120)}` : '';
  throw new Untranslatable(
    type?.at ?? at,
    `there is no bus of events to hear "${name}"${shown} on`,
    /^(zha|deconz|hue|zwave|shelly|xiaomi|tasmota)/.test(name)
      ? 'let the button report to a twin, and take { twin: …, event: … } or the value that it reports'
      : /notification|action/.test(name)
        ? 'let the app call a webhook of the rule'
        : name === 'state_changed'
          ? 'take the state: { twin: …, path: … }'
          : 'let who fires it post an event to a twin, and take { twin: …, event: … }',
  );
}

/** The one place for what the language may not have yet: its schema decides. */
function ifSpoken(trigger: JsonObject, at: Spot, what: string, instead: string): JsonObject {
  const { value } = parseRule({ rule: 'probe', triggers: [trigger], actions: [{ stop: true }] });
  if (value) return trigger;
  throw new Untranslatable(
    at,
    `${what} is no trigger of rules here: ${JSON.stringify(trigger)}`,
    instead,
  );
}
