/** Triggers of Home Assistant as triggers of rules. */

import type { JsonObject } from '../../engine/kind.ts';
import { eventTrigger, mqttTrigger, startTrigger, webhookTrigger } from './message-triggers.ts';
import { msOf, offsetOf, timeOfDay, weekdaysOf } from './moments.ts';
import { Fields, listOf, type Part, plainText, type Spot, textOf, Untranslatable } from './part.ts';
import {
  heldFor,
  numberTriggers,
  oneOrAll,
  stateTriggers,
  templateTrigger,
  type Where,
} from './state-triggers.ts';
import type { Open, Translation } from './translation.ts';

/** All triggers of a list; one that is switched off is left out. */
export function triggersOf(
  part: Part,
  translation: Translation,
  where: Where,
): (JsonObject | Open)[] {
  const all = listOf(part).flatMap((one) => {
    // Lists of triggers may hold lists
    const nested = one.type === 'map' ? one.entries.get('triggers')?.value : undefined;
    return nested && one.type === 'map' && one.entries.size === 1 ? listOf(nested) : [one];
  });
  return all.flatMap((one, index) => {
    if (isOff(one, translation, 'trigger')) return [];
    const made = translation.attempt('trigger', () => triggerOf(one, index, translation, where));
    return Array.isArray(made) ? made : [made];
  });
}

/** Whether `enabled: false` stands there, which is told. */
export function isOff(part: Part, translation: Translation, what: string): boolean {
  const enabled = part.type === 'map' ? part.entries.get('enabled') : undefined;
  if (enabled?.value.type !== 'scalar' || enabled.value.value !== false) return false;
  translation.ignore(enabled.at, `a ${what} that is switched off (enabled: false)`);
  return true;
}

/** What `enabled` says, where it is not false. @throws Untranslatable for a template */
export function checkEnabled(fields: Fields): void {
  const enabled = fields.take('enabled');
  if (!enabled || (enabled.type === 'scalar' && enabled.value === true)) return;
  throw new Untranslatable(
    enabled.at,
    'whether it is enabled is only known when it runs',
    'make it a condition',
  );
}

function triggerOf(
  part: Part,
  index: number,
  translation: Translation,
  where: Where,
): JsonObject[] {
  const fields = new Fields(part, 'a trigger');
  checkEnabled(fields);
  fields.take('alias');
  const named = fields.take('trigger', 'platform');
  if (!named) {
    throw new Untranslatable(
      fields.at,
      'the trigger does not say what it is',
      'give it "trigger: …"',
    );
  }
  const platform = plainText(named, 'the trigger');
  const id = fields.take('id');
  const key = where === 'wait' ? null : id ? plainText(id, 'the id') : String(index);
  const own = key !== null && (id || translation.asksFor(key)) ? { id: translation.idOf(key) } : {};
  const made = madeOf(platform, named.at, fields, translation, where);
  fields.finish(`the trigger "${platform}"`);
  return made.map((one) => ({ ...one, ...own }));
}

function madeOf(
  platform: string,
  at: Spot,
  fields: Fields,
  translation: Translation,
  where: Where,
): JsonObject[] {
  switch (platform) {
    case 'state':
      return stateTriggers(fields, translation, where);
    case 'numeric_state':
      return numberTriggers(fields, translation, where);
    case 'template':
      return [templateTrigger(fields, translation, where)];
    case 'device':
      return deviceTriggers(fields, translation, where);
    case 'time':
      return [timeTrigger(fields)];
    case 'time_pattern':
      return [patternTrigger(fields, translation)];
    case 'sun':
      return [sunTrigger(fields)];
    case 'webhook':
      return [webhookTrigger(fields, translation)];
    case 'homeassistant':
      return [startTrigger(fields, at)];
    case 'mqtt':
      return [mqttTrigger(fields, at)];
    case 'event':
      return [eventTrigger(fields, at)];
    default:
      throw new Untranslatable(
        at,
        `the trigger "${platform}" has no counterpart`,
        INSTEAD.get(platform) ??
          'let what it is about post an event to a twin, or call a webhook of the rule',
      );
  }
}

const INSTEAD = new Map<string, string>(
  Object.entries({
    zone: 'let the app that knows where people are call a webhook, or report presence to a twin',
    geo_location: 'let what knows the place call a webhook of the rule',
    tag: 'let the reader of tags report to a twin, and take { twin: …, event: … }',
    calendar:
      'a twin of kind "schedule" has weekly times and exceptions: take { twin: …, path: reported.active, to: true }',
    conversation: 'let the assistant call a webhook of the rule',
    persistent_notification: 'take the trigger of what sends the notification',
  }),
);

// ── clocks ───────────────────────────────────────────────────────────────────────────────────

function timeTrigger(fields: Fields): JsonObject {
  const given = fields.take('at');
  const days = fields.take('weekday');
  if (!given) throw new Untranslatable(fields.at, 'it has no time', 'give "at"');
  const at = listOf(given).map((part) => {
    const { text, seconds } = timeOfDay(part, 'the time');
    if (seconds === 0) return text;
    throw new Untranslatable(
      part.at,
      'times of day have hours and minutes only',
      `use "${text}", with a delay of ${seconds}s as the first action`,
    );
  });
  if (at.length === 0) throw new Untranslatable(given.at, 'it has no time', 'give "at"');
  return {
    at: oneOrAll(at),
    ...(days && { weekdays: weekdaysOf(listOf(days)) }),
  };
}

function patternTrigger(fields: Fields, translation: Translation): JsonObject {
  const given = {
    hours: fields.take('hours'),
    minutes: fields.take('minutes'),
    seconds: fields.take('seconds'),
  };
  const text = (name: keyof typeof given, otherwise: string) => {
    const part = given[name];
    if (!part) return otherwise;
    const pattern = plainText(part, name).trim();
    if (/^(\*|\/[1-9]\d?|\d{1,2})$/.test(pattern)) return pattern;
    throw new Untranslatable(
      part.at,
      `"${pattern}" is no pattern of time`,
      'use *, a number, or / and a number',
    );
  };
  // What is finer than what was named is 0
  const hours = text('hours', '*');
  const minutes = text('minutes', given.hours ? '0' : '*');
  const seconds = text('seconds', given.hours || given.minutes ? '0' : '*');
  const field = (pattern: string) =>
    pattern.startsWith('/') ? `*${pattern}` : String(Number(pattern));
  if (Number(seconds) === 0) {
    const cron = [minutes, hours].map((pattern) => (pattern === '*' ? '*' : field(pattern)));
    return { cron: `${cron.join(' ')} * * *` };
  }
  const step = seconds === '*' ? 1 : Number(seconds.slice(1));
  if (hours === '*' && minutes === '*' && !/^\d/.test(seconds) && 60 % step === 0) {
    translation.assume(
      fields.spotOf('seconds'),
      `each ${step} s is counted from when the rule goes live, not from the full minute`,
    );
    return { every: `${step}s` };
  }
  throw new Untranslatable(
    fields.spotOf('seconds'),
    'clocks of rules go by minutes here',
    'use { every: 15s }, or leave "seconds" out',
  );
}

function sunTrigger(fields: Fields): JsonObject {
  const event = fields.take('event');
  const offset = fields.take('offset');
  const sun = event ? plainText(event, 'the event') : '';
  if (sun !== 'sunrise' && sun !== 'sunset')
    throw new Untranslatable(
      event?.at ?? fields.at,
      `the sun does not "${sun}"`,
      'use sunrise or sunset',
    );
  return {
    sun,
    ...(offset && msOf(offset, 'the offset') !== 0 && { offset: offsetOf(offset, 'the offset') }),
  };
}

// ── devices ──────────────────────────────────────────────────────────────────────────────────

/** What the editor of Home Assistant calls a change → the state. */
const BECOMES = new Map<string, string>(
  Object.entries({
    ...{ turned_on: 'on', turned_off: 'off', motion: 'on', no_motion: 'off' },
    ...{ occupied: 'on', not_occupied: 'off', opened: 'on', not_opened: 'off' },
    ...{
      moist: 'on',
      not_moist: 'off',
      smoke: 'on',
      no_smoke: 'off',
      present: 'on',
      not_present: 'off',
    },
  }),
);

function deviceTriggers(fields: Fields, translation: Translation, where: Where): JsonObject[] {
  const entity = fields.take('entity_id');
  const type = fields.take('type');
  fields.take('device_id');
  fields.take('domain');
  const text = type ? textOf(type, 'the type') : '';
  const state = BECOMES.get(text);
  if (!entity || state === undefined) {
    throw new Untranslatable(
      fields.spotOf('type', 'device_id'),
      `what the device does ("${text}") is known to Home Assistant only`,
      'take the value that changes ({ twin: …, path: …, to: … }), or the event that the device sends',
    );
  }
  const reading = translation.reading(plainText(entity, 'the entity'), null, entity.at);
  if (where === 'rule') translation.triggering.push(reading);
  const to = translation.valueOf(reading, state, entity.at);
  return [{ twin: reading.mapped.twin, path: reading.path, to, ...heldFor(fields) }];
}
