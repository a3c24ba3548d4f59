/** Triggers of states, numbers and templates. */
import type { Json, JsonObject } from '../../engine/kind.ts';
import { celPath } from './entities.ts';
import { durationOf } from './moments.ts';
import {
  type Fields,
  listOf,
  numberOf,
  type Part,
  plainText,
  type Spot,
  textOf,
  Untranslatable,
} from './part.ts';
import { conditionOf } from './templates.ts';
import { NO_STATES, type Reading, type Translation } from './translation.ts';

/** `wait`: what a run waits for. No clock and no message wakes it, only twins do. */
export type Where = 'rule' | 'wait';

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

export function heldFor(fields: Fields): { for?: string } {
  const held = fields.take('for');
  if (!held) return {};
  const text = durationOf(held, 'the time that it has to hold');
  return text === '0s' ? {} : { for: text };
}

export function stateTriggers(
  fields: Fields,
  translation: Translation,
  where: Where,
): JsonObject[] {
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

export function oneOrAll(values: Json[]): Json {
  const [only] = values;
  return values.length === 1 && only !== undefined ? only : values;
}

// ── numbers ──────────────────────────────────────────────────────────────────────────────────

export function numberTriggers(
  fields: Fields,
  translation: Translation,
  where: Where,
): JsonObject[] {
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

export function templateTrigger(
  fields: Fields,
  translation: Translation,
  where: Where,
): JsonObject {
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
