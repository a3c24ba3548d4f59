/** Conditions of Home Assistant as conditions of rules. */
import type { Json } from '../../engine/kind.ts';
import { celPath, quoted } from './entities.ts';
import { timeOfDay, weekdaysOf } from './moments.ts';
import { Fields, listOf, type Part, plainText, Untranslatable } from './part.ts';
import { idsOf, limitOf, stateText } from './state-triggers.ts';
import { conditionOf } from './templates.ts';
import { noteNegation } from './term.ts';
import { equals, type Translation } from './translation.ts';
import { checkEnabled, isOff } from './triggers.ts';

/** All of these have to be true. */
export function conditionsOf(part: Part, translation: Translation): Json[] {
  return listOf(part).flatMap((one) => {
    const made = anyCondition(one, translation, false);
    return made === null ? [] : [made];
  });
}

/** The one that several make; null: there is none. */
export function wholeOf(conditions: readonly Json[]): Json | null {
  const [only] = conditions;
  if (only === undefined) return null;
  return conditions.length === 1 ? only : [...conditions];
}

const JOINED = ['and', 'or', 'not'] as const;

/** Null: it is switched off. */
function anyCondition(part: Part, translation: Translation, isNegated: boolean): Json | null {
  if (isOff(part, translation, 'condition')) return null;
  // Their parts count for themselves
  const joined = joinedOf(part, translation);
  if (joined) {
    try {
      return joinedCondition(joined.how, joined.of, translation, isNegated);
    } catch (thrown) {
      translation.tallies.condition.all++;
      return translation.open(thrown);
    }
  }
  return translation.attempt('condition', () => leaf(part, translation, isNegated));
}

function joinedOf(
  part: Part,
  translation: Translation,
): { how: (typeof JOINED)[number]; of: Part } | null {
  if (part.type !== 'map') return null;
  const condition = part.entries.get('condition')?.value;
  const named = condition?.type === 'scalar' ? condition.value : undefined;
  for (const how of JOINED) {
    const short = part.entries.get(how)?.value;
    const of = short ?? (named === how ? part.entries.get('conditions')?.value : undefined);
    if (!of) continue;
    for (const [key, { at }] of part.entries) {
      if (![how, 'condition', 'conditions', 'alias', 'enabled'].includes(key))
        translation.open(
          new Untranslatable(
            at,
            `"${key}" of a condition has no counterpart`,
            'remove it, if it does not matter',
          ),
        );
    }
    return { how, of };
  }
  return null;
}

function joinedCondition(
  how: (typeof JOINED)[number],
  of: Part,
  translation: Translation,
  isNegated: boolean,
): Json {
  const inner = listOf(of).flatMap((one) => {
    const made = anyCondition(one, translation, how === 'not' ? !isNegated : isNegated);
    return made === null ? [] : [made];
  });
  const [only] = inner;
  if (only === undefined) {
    throw new Untranslatable(of.at, `"${how}" has no conditions`, 'remove it, or give it some');
  }
  // None of them may be true
  if (how === 'not') return { not: inner.length === 1 ? only : { or: inner } };
  return inner.length === 1 ? only : { [how]: inner };
}

function leaf(part: Part, translation: Translation, isNegated: boolean): Json {
  if (part.type === 'scalar') return conditionOf(part, translation);
  const fields = new Fields(part, 'a condition');
  checkEnabled(fields);
  fields.take('alias');
  const named = fields.take('condition', 'platform');
  if (!named) {
    throw new Untranslatable(
      fields.at,
      'the condition does not say what it is',
      'give it "condition: …"',
    );
  }
  const kind = plainText(named, 'the condition');
  const made = madeOf(kind, named, fields, translation, isNegated);
  fields.finish(`the condition "${kind}"`);
  return made;
}

function madeOf(
  kind: string,
  named: Part,
  fields: Fields,
  translation: Translation,
  isNegated: boolean,
): Json {
  switch (kind) {
    case 'state':
      return stateCondition(fields, translation, isNegated);
    case 'numeric_state':
      return numberCondition(fields, translation, isNegated);
    case 'time':
      return timeCondition(fields);
    case 'template': {
      const template = fields.take('value_template');
      if (!template)
        throw new Untranslatable(fields.at, 'it has no template', 'give "value_template"');
      return conditionOf(template, translation);
    }
    case 'trigger': {
      const id = fields.take('id');
      const ids = id ? idsOf(id).map((one) => translation.idOf(one.id)) : [];
      const [only] = ids;
      if (only === undefined)
        throw new Untranslatable(fields.at, 'it names no trigger', 'give "id"');
      return ids.length === 1
        ? `trigger.id == ${quoted(only)}`
        : `trigger.id in [${ids.map(quoted).join(', ')}]`;
    }
    case 'device':
      return deviceCondition(fields, translation);
    case 'sun':
      throw new Untranslatable(
        named.at,
        'a condition cannot ask for the sun',
        'let a rule with the triggers "sun: sunrise" and "sun: sunset" set the home’s mode or a relay, and ask for that; or use a time of day',
      );
    case 'zone':
      throw new Untranslatable(
        named.at,
        'where people are is not known',
        'let the app that knows it report presence to a twin, and ask that',
      );
    default:
      throw new Untranslatable(
        named.at,
        `the condition "${kind}" has no counterpart`,
        'write it as a CEL expression over values of twins',
      );
  }
}

function stateCondition(fields: Fields, translation: Translation, isNegated: boolean): Json {
  const entities = fields.take('entity_id');
  const attribute = fields.take('attribute');
  const wanted = fields.take('state');
  const match = fields.take('match');
  const held = fields.take('for');
  if (held) {
    throw new Untranslatable(
      held.at,
      'how long something has been so is not known to a condition',
      'put "for" to a trigger, or wait in the actions: { wait: { for: { …, for: 5m } } }',
    );
  }
  if (!entities || !wanted) {
    throw new Untranslatable(
      fields.at,
      'it needs an entity and a state',
      'give "entity_id" and "state"',
    );
  }
  const name = attribute ? plainText(attribute, 'the attribute') : null;
  const tests = idsOf(entities).map(({ id, at }) => {
    const reading = translation.reading(id, name, at);
    const cel = celPath(reading.mapped.twin, reading.path);
    if (isNegated) noteNegation(reading, at, translation);
    const states = listOf(wanted).map((state) => {
      const text = stateText(state);
      if (text.includes('.') && /^(input_|sensor\.)/.test(text)) {
        const other = translation.reading(text, null, state.at);
        return `${cel} == ${celPath(other.mapped.twin, other.path)}`;
      }
      if ((text === 'unknown' || text === 'unavailable') && reading.values?.[text] === undefined) {
        translation.assume(
          state.at,
          `"${text}" of ${id} is taken for a value that was never reported: a device that falls silent keeps its last one, and has the alert "offline"`,
        );
        return `!has(${cel})`;
      }
      return equals(cel, translation.valueOf(reading, text, state.at));
    });
    return states.length === 1 ? states.join('') : `(${states.join(' || ')})`;
  });
  const isAny = match !== undefined && plainText(match, 'match') === 'any';
  return translation.checked(tests.join(isAny ? ' || ' : ' && '), fields.at);
}

function numberCondition(fields: Fields, translation: Translation, isNegated: boolean): Json {
  const entities = fields.take('entity_id');
  const attribute = fields.take('attribute');
  const above = fields.take('above');
  const below = fields.take('below');
  const template = fields.take('value_template');
  if (template) {
    throw new Untranslatable(
      template.at,
      'a number that is calculated first is no value of a twin',
      'use a template condition',
    );
  }
  if (!entities || !(above ?? below))
    throw new Untranslatable(fields.at, 'it needs an entity, and "above" or "below"', 'give them');
  const name = attribute ? plainText(attribute, 'the attribute') : null;
  const tests = idsOf(entities).flatMap(({ id, at }) => {
    const reading = translation.reading(id, name, at);
    const cel = celPath(reading.mapped.twin, reading.path);
    if (isNegated) noteNegation(reading, at, translation);
    return [
      ...(above ? [`${cel} > ${limitOf(above, translation)}`] : []),
      ...(below ? [`${cel} < ${limitOf(below, translation)}`] : []),
    ];
  });
  return translation.checked(tests.join(' && '), fields.at);
}

function timeCondition(fields: Fields): Json {
  const [after, before, days] = ['after', 'before', 'weekday'].map((name) => fields.take(name));
  const from = after && timeOfDay(after, 'the time');
  const until = before && timeOfDay(before, 'the time');
  for (const [part, time] of [
    [after, from],
    [before, until],
  ] as const) {
    // Until the last second is until midnight
    if (!part || !time || time.seconds === 0) continue;
    if (part === before && time.text === '23:59') continue;
    throw new Untranslatable(
      part.at,
      'times of day have hours and minutes only',
      `use "${time.text}"`,
    );
  }
  const end = until?.text === '23:59' && until.seconds > 0 ? '00:00' : until?.text;
  if (end !== undefined && (from?.text ?? '00:00') === end && until?.seconds === 0) {
    throw new Untranslatable(
      fields.at,
      'it begins when it ends',
      'give two different times, or leave it out',
    );
  }
  const window = {
    ...(from && { after: from.text }),
    ...(end !== undefined &&
      !(end === '00:00' && (!from || from.text === '00:00')) && { before: end }),
  };
  const weekdays = days && { weekdays: weekdaysOf(listOf(days)) };
  const isWindow = Object.keys(window).length > 0;
  if (!isWindow && !weekdays)
    throw new Untranslatable(
      fields.at,
      'it says neither "after", "before" nor "weekday"',
      'give one of them',
    );
  if (!weekdays) return window;
  if (!isWindow) return weekdays;
  // Across midnight a window here belongs to the evening; in Home Assistant the day is that of the moment
  return from && end !== undefined && from.text > end
    ? { and: [window, weekdays] }
    : { ...window, ...weekdays };
}

/** What the editor of Home Assistant calls a state. */
const IS = new Map<string, string>(
  Object.entries({
    ...{ is_on: 'on', is_off: 'off', is_motion: 'on', is_no_motion: 'off' },
    ...{ is_occupied: 'on', is_not_occupied: 'off', is_open: 'on', is_not_open: 'off' },
  }),
);

function deviceCondition(fields: Fields, translation: Translation): Json {
  const entity = fields.take('entity_id');
  const type = fields.take('type');
  fields.take('device_id');
  fields.take('domain');
  const state = type && IS.get(plainText(type, 'the type'));
  if (!entity || state === undefined) {
    throw new Untranslatable(
      fields.spotOf('type', 'device_id'),
      'what is asked of the device is known to Home Assistant only',
      'ask for the value of its twin',
    );
  }
  const reading = translation.reading(plainText(entity, 'the entity'), null, entity.at);
  return equals(
    celPath(reading.mapped.twin, reading.path),
    translation.valueOf(reading, state, entity.at),
  );
}
