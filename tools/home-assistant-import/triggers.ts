/** Triggers of Home Assistant as triggers of rules. */

import type { Json, JsonObject } from '../../engine/kind.ts';
import { parseRule } from '../../features/rules/authoring.ts';
import { celPath } from './entities.ts';
import { durationOf, msOf, offsetOf, timeOfDay, weekdaysOf } from './moments.ts';
import {
  Fields,
  jsonOf,
  listOf,
  numberOf,
  type Part,
  plainText,
  type Spot,
  textOf,
  Untranslatable,
} from './part.ts';
import { conditionOf } from './templates.ts';
import { NO_STATES, type Open, type Reading, type Translation } from './translation.ts';

/** `wait`: what a run waits for. No clock and no message wakes it, only twins do. */
type Where = 'rule' | 'wait';

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

// ── states ───────────────────────────────────────────────────────────────────────────────────

function readingsOf(fields: Fields, translation: Translation, where: Where): Reading[] {
  const entities = fields.take('entity_id');
  const attribute = fields.take('attribute');
  if (!entities) throw new Untranslatable(fields.at, 'it names no entity', 'give "entity_id"');
  const name = attribute ? plainText(attribute, 'the attribute') : null;
  const readings = idsOf(entities).map(({ id, at }) => translation.reading(id, name, at));
  if (where === 'rule') {
    translation.triggering.push(...readings);
    translation.triggersWithoutStates ||= name !== null;
  }
  return readings;
}

/** `light.a, light.b`, or a list. @throws Untranslatable */
export function idsOf(part: Part): { id: string; at: Spot }[] {
  const ids = listOf(part).flatMap((one) =>
    plainText(one, 'the entity')
      .split(',')
      .map((id) => ({ id: id.trim(), at: one.at }))
      .filter(({ id }) => id !== ''),
  );
  if (ids.length === 0) throw new Untranslatable(part.at, 'it names no entity', 'name one');
  return ids;
}

function heldFor(fields: Fields): { for?: string } {
  const held = fields.take('for');
  if (!held) return {};
  const text = durationOf(held, 'the time that it has to hold');
  return text === '0s' ? {} : { for: text };
}

function stateTriggers(fields: Fields, translation: Translation, where: Where): JsonObject[] {
  const readings = readingsOf(fields, translation, where);
  const asksForAny = !['from', 'to', 'not_from', 'not_to'].some((name) => fields.has(name));
  const hasTo = fields.keys().includes('to');
  const words = {
    from: fields.take('from'),
    to: fields.take('to'),
    notFrom: fields.take('not_from'),
    notTo: fields.take('not_to'),
  };
  const held = heldFor(fields);
  const to = words.to && listOf(words.to);
  if (to && to.length > 1 && 'for' in held) {
    translation.assume(
      words.to?.at ?? fields.at,
      'it may change among the states of "to" while it holds; in Home Assistant that began the time anew',
    );
  }
  if (asksForAny && !hasTo) {
    translation.assume(
      fields.at,
      `without "from" and "to" Home Assistant also takes changes of attributes; here it is the value alone: ${readings.map(({ path }) => path).join(', ')}`,
    );
  }
  return readings.flatMap((reading): JsonObject[] => {
    const { mapped, path } = reading;
    const { twin } = mapped;
    const of = (part: Part | undefined) => part && statesOf(listOf(part), reading, translation);
    // A device that falls silent is an alert, not a state
    const [only] = to ?? [];
    if (to?.length === 1 && only && isNoState(only, reading)) {
      if (
        textOf(only, 'the state') === 'unavailable' &&
        !words.from &&
        !words.notFrom &&
        !words.notTo
      ) {
        if ('for' in held) {
          throw new Untranslatable(
            only.at,
            'how long a device has been silent is a setting of its twin',
            'set "silenceMs" of the twin, and leave "for" out',
          );
        }
        translation.assume(
          only.at,
          `"unavailable" of ${mapped.entity} is the alert "offline" of its twin`,
        );
        translation.triggersWithoutStates = true;
        return [{ alert: 'offline', twin }];
      }
      throw new Untranslatable(
        only.at,
        'what a twin does not know is not there: it is no state that is reached',
        `take the alert "offline": { alert: offline, twin: ${twin} }`,
      );
    }
    const from = of(words.from) ?? complement(of(words.notFrom), reading, words.notFrom);
    const wanted = of(words.to);
    const not = of(words.notTo);
    return [
      {
        ...{ twin, path },
        ...(from && from.length > 0 && { from: oneOrAll(from) }),
        ...(wanted && wanted.length > 0 && { to: oneOrAll(wanted) }),
        ...(not && not.length > 0 && { not: oneOrAll(not) }),
        ...held,
      },
    ];
  });
}

function isNoState(part: Part, { values }: Reading): boolean {
  const state = part.type === 'scalar' ? String(part.value) : '';
  return NO_STATES.includes(state) && !Object.hasOwn(values ?? {}, state);
}

/** States as the twin has them. What is never reported is left out: it is never met. */
function statesOf(parts: readonly Part[], reading: Reading, translation: Translation): Json[] {
  return parts.flatMap((part) => {
    if (isNoState(part, reading)) {
      translation.assume(
        part.at,
        `"${textOf(part, 'the state')}" of ${reading.mapped.entity} is left out: a twin keeps its last value while its device is silent`,
      );
      return [];
    }
    return [translation.valueOf(reading, stateText(part), part.at)];
  });
}

/** `on` without quotes is true in YAML 1.1, and is meant all the same. */
export function stateText(part: Part): string {
  if (part.type === 'scalar' && typeof part.value === 'boolean') return part.value ? 'on' : 'off';
  return plainText(part, 'the state');
}

/** What a twin may have been before when it was none of these. */
function complement(
  excluded: Json[] | undefined,
  { values, mapped }: Reading,
  part: Part | undefined,
): Json[] | undefined {
  if (!excluded || excluded.length === 0) return undefined;
  const others = Object.values(values ?? {}).filter((value) => !excluded.includes(value));
  if (others.length > 0) return others;
  throw new Untranslatable(
    part?.at ?? { line: 1, column: 1 },
    '"not_from" has no counterpart where the states are not all known',
    `give all states of ${mapped.entity} as "values" in the file of entities`,
  );
}

function oneOrAll(values: Json[]): Json {
  const [only] = values;
  return values.length === 1 && only !== undefined ? only : values;
}

// ── numbers ──────────────────────────────────────────────────────────────────────────────────

function numberTriggers(fields: Fields, translation: Translation, where: Where): JsonObject[] {
  const readings = readingsOf(fields, translation, where);
  const template = fields.take('value_template');
  if (template) {
    throw new Untranslatable(
      template.at,
      'a number that is calculated first has no trigger of its own',
      "use a template trigger, as in {{ states('…') | float * 2 > 10 }}",
    );
  }
  const above = fields.take('above');
  const below = fields.take('below');
  const held = heldFor(fields);
  if (!above && !below)
    throw new Untranslatable(fields.at, 'it says neither "above" nor "below"', 'give one of them');
  const isFixed = (part: Part | undefined) =>
    !part || Number.isFinite(Number(plainText(part, 'the limit')));
  const [limit] = above && below ? [] : [above ?? below];
  if (limit && isFixed(limit)) {
    const word = above ? 'above' : 'below';
    return readings.map(({ mapped: { twin }, path }) => ({
      ...{ twin, path, [word]: numberOf(limit, 'the limit') },
      ...held,
    }));
  }
  // Into a range, or over a limit that moves: true from then on
  if (where === 'rule') translation.triggersWithoutStates = true;
  return readings.map(({ mapped, path }) => {
    translation.assume(
      fields.at,
      `the ${above && below ? 'range' : 'limit that is a state itself'} of ${mapped.entity} becomes an expression ("when"): it also fires at the first report after the rule has gone live, if it is true then`,
    );
    const value = celPath(mapped.twin, path);
    const when = [
      ...(above ? [`${value} > ${limitOf(above, translation)}`] : []),
      ...(below ? [`${value} < ${limitOf(below, translation)}`] : []),
    ].join(' && ');
    return { when: translation.checked(when, fields.at), ...held };
  });
}

/** A number, or what an entity shows. @throws Untranslatable */
export function limitOf(part: Part, translation: Translation): string {
  const text = plainText(part, 'the limit').trim();
  if (text !== '' && Number.isFinite(Number(text))) return String(Number(text));
  const { mapped, path } = translation.reading(text, null, part.at);
  return celPath(mapped.twin, path);
}

function templateTrigger(fields: Fields, translation: Translation, where: Where): JsonObject {
  const template = fields.take('value_template');
  if (!template) throw new Untranslatable(fields.at, 'it has no template', 'give "value_template"');
  const when = conditionOf(template, translation);
  if (!/\btwins\b/.test(when)) {
    throw new Untranslatable(
      template.at,
      'no twin changes it, so nothing would ever make it true',
      'use a trigger of time for what the clock decides',
    );
  }
  if (/\b(now|local)\b/.test(when)) {
    translation.assume(
      template.at,
      'it is asked when one of its twins changes, not each minute',
      'add { every: 1m } with the same as a condition, if the clock alone decides',
    );
  }
  if (where === 'wait') {
    translation.assume(
      template.at,
      'what is true already ends the wait at the next change; in Home Assistant it had to become false first',
    );
  } else translation.triggersWithoutStates = true;
  return { when, ...heldFor(fields) };
}

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

// ── messages ─────────────────────────────────────────────────────────────────────────────────

function webhookTrigger(fields: Fields, translation: Translation): JsonObject {
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

function startTrigger(fields: Fields, at: Spot): JsonObject {
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

function mqttTrigger(fields: Fields, at: Spot): JsonObject {
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

function eventTrigger(fields: Fields, at: Spot): JsonObject {
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
