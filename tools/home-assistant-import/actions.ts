/** What an automation does, as what a rule does. */
import type { Json, JsonObject } from '../../engine/kind.ts';
import { conditionsOf, wholeOf } from './conditions.ts';
import { durationOf } from './moments.ts';
import {
  Fields,
  isTemplate,
  listOf,
  numberOf,
  type Part,
  plainText,
  textOf,
  Untranslatable,
} from './part.ts';
import { deviceActions, sceneAction, serviceActions } from './services.ts';
import { conditionOf, valueOfPart, valueOfTemplate } from './templates.ts';
import type { Translation } from './translation.ts';
import { checkEnabled, isOff, triggersOf } from './triggers.ts';

const MAX_ROUNDS = 1_000;
const MAX_BRANCHES = 16;

/** A sequence of actions. */
export function actionsOf(part: Part, translation: Translation): JsonObject[] {
  return sequence(listOf(part), translation);
}

function sequence(parts: readonly Part[], translation: Translation): JsonObject[] {
  const made: JsonObject[] = [];
  for (const [at, part] of parts.entries()) {
    if (isOff(part, translation, 'action')) continue;
    if (isCondition(part)) {
      // It ends the sequence that it stands in, and nothing else
      const test = wholeOf(conditionsOf(part, translation));
      const then = sequence(parts.slice(at + 1), translation);
      if (test === null) made.push(...then);
      else if (then.length > 0) made.push({ if: test, then });
      else translation.ignore(part.at, 'a condition that nothing comes after');
      return made;
    }
    const done = translation.attempt('action', () => actionOf(part, translation));
    made.push(...(Array.isArray(done) ? done : [done]));
  }
  return made;
}

function isCondition(part: Part): boolean {
  if (part.type === 'scalar') return typeof part.value === 'string' && isTemplate(part.value);
  return (
    part.type === 'map' && ['condition', 'and', 'or', 'not'].some((key) => part.entries.has(key))
  );
}

function actionOf(part: Part, translation: Translation): JsonObject[] {
  if (part.type === 'list') return sequence(part.items, translation);
  const fields = new Fields(part, 'an action');
  checkEnabled(fields);
  fields.take('alias');
  const kind = KINDS.find(([key]) => fields.keys().includes(key));
  if (!kind) {
    throw new Untranslatable(
      fields.at,
      `nothing is known of an action with ${
        fields
          .keys()
          .map((key) => `"${key}"`)
          .join(', ') || 'nothing in it'
      }`,
      'see how Home Assistant writes it, or do it by hand',
    );
  }
  const [key, translate] = kind;
  const made = translate(fields, translation);
  const whatever = fields.take('continue_on_error');
  if (whatever)
    translation.ignore(
      whatever.at,
      '"continue_on_error": what a twin refuses is a dead letter, and the run goes on',
    );
  fields.finish(`the action "${key}"`);
  return made;
}

type Translate = (fields: Fields, translation: Translation) => JsonObject[];

const KINDS: [string, Translate][] = [
  ['action', serviceActions],
  ['service', serviceActions],
  ['service_template', serviceActions],
  ['delay', delay],
  ['wait_template', waitForTemplate],
  ['wait_for_trigger', waitForTrigger],
  ['choose', choose],
  ['if', ifThen],
  ['repeat', repeat],
  ['parallel', parallel],
  ['sequence', (fields, translation) => branch(fields.take('sequence'), translation)],
  ['variables', (fields, translation) => variables(fields.take('variables'), translation)],
  ['stop', stop],
  ['event', event],
  [
    'scene',
    (fields, translation) => {
      const scene = fields.take('scene');
      return scene ? sceneAction(scene, translation) : [];
    },
  ],
  [
    'set_conversation_response',
    (fields) => {
      throw new Untranslatable(
        fields.spotOf('set_conversation_response'),
        'nobody waits for an answer',
        'leave it out',
      );
    },
  ],
  ['device_id', deviceActions],
];

function branch(part: Part | undefined, translation: Translation): JsonObject[] {
  return part ? actionsOf(part, translation) : [];
}

function delay(fields: Fields): JsonObject[] {
  const given = fields.take('delay');
  if (!given) throw new Untranslatable(fields.at, 'the delay says no time', 'give one');
  const text = durationOf(given, 'the delay');
  return text === '0s' ? [] : [{ delay: text }];
}

function timeoutOf(fields: Fields): JsonObject {
  const timeout = fields.take('timeout');
  const goesOn = fields.take('continue_on_timeout');
  const stops = goesOn?.type === 'scalar' && goesOn.value === false;
  if (goesOn && !stops && !(goesOn.type === 'scalar' && goesOn.value === true))
    throw new Untranslatable(
      goesOn.at,
      '"continue_on_timeout" is neither true nor false',
      'give one of them',
    );
  return {
    ...(timeout && { timeout: durationOf(timeout, 'the timeout') }),
    ...(timeout && stops && { otherwise: 'stop' }),
  };
}

function waitForTemplate(fields: Fields, translation: Translation): JsonObject[] {
  const template = fields.take('wait_template');
  if (!template) throw new Untranslatable(fields.at, 'it has no template', 'give one');
  const until = conditionOf(template, translation);
  if (!/\b(twins|home)\b/.test(until)) {
    throw new Untranslatable(
      template.at,
      'no twin changes it, so the wait would not end',
      'use a delay',
    );
  }
  return [{ wait: { until, ...timeoutOf(fields) } }];
}

function waitForTrigger(fields: Fields, translation: Translation): JsonObject[] {
  const given = fields.take('wait_for_trigger');
  const triggers = given ? triggersOf(given, translation, 'wait') : [];
  const [only] = triggers;
  if (only === undefined)
    throw new Untranslatable(fields.at, 'it waits for nothing', 'give it a trigger, or a delay');
  return [{ wait: { for: triggers.length === 1 ? only : triggers, ...timeoutOf(fields) } }];
}

function testOf(part: Part | undefined, fields: Fields, translation: Translation): Json {
  const test = part ? wholeOf(conditionsOf(part, translation)) : null;
  if (test !== null) return test;
  throw new Untranslatable(part?.at ?? fields.at, 'there is no condition', 'give it one');
}

function choose(fields: Fields, translation: Translation): JsonObject[] {
  const given = fields.take('choose');
  const otherwise = fields.take('default');
  const branches = given ? listOf(given) : [];
  const made = branches.flatMap((one): JsonObject[] => {
    if (isOff(one, translation, 'branch')) return [];
    const inner = new Fields(one, 'a branch of "choose"');
    checkEnabled(inner);
    inner.take('alias');
    const when = testOf(inner.take('conditions', 'condition'), inner, translation);
    const done = branch(inner.take('sequence'), translation);
    inner.finish('a branch of "choose"');
    return [{ when, do: done }];
  });
  const rest = branch(otherwise, translation);
  if (made.length === 0) return rest;
  return [{ choose: made, ...(rest.length > 0 && { otherwise: rest }) }];
}

function ifThen(fields: Fields, translation: Translation): JsonObject[] {
  const test = testOf(fields.take('if'), fields, translation);
  const then = branch(fields.take('then'), translation);
  const otherwise = branch(fields.take('else'), translation);
  return [{ if: test, then, ...(otherwise.length > 0 && { else: otherwise }) }];
}

function repeat(fields: Fields, translation: Translation): JsonObject[] {
  const given = fields.take('repeat');
  const inner = new Fields(
    given ?? { type: 'map', entries: new Map(), twice: [], at: fields.at },
    '"repeat"',
  );
  const each = inner.take('for_each');
  if (each) {
    throw new Untranslatable(
      each.at,
      'there is no loop over a list',
      'one action may name several twins; else write the actions out for each, or use "count"',
    );
  }
  const [count, whilst, until] = ['count', 'while', 'until'].map((key) => inner.take(key));
  const actions = inner.take('sequence');
  let head: JsonObject;
  if (count) {
    const times = numberOf(count, 'how often it is repeated');
    if (!Number.isInteger(times) || times < 1 || times > MAX_ROUNDS)
      throw new Untranslatable(
        count.at,
        `it is repeated 1 to ${MAX_ROUNDS} times, not ${times}`,
        'give such a number',
      );
    head = { times };
  } else {
    const test = testOf(whilst ?? until, inner, translation);
    translation.assume(
      inner.at,
      `the loop ends after ${MAX_ROUNDS} rounds in any case, and after 2000 steps without a wait`,
    );
    head = { [whilst ? 'while' : 'until']: test, most: MAX_ROUNDS };
  }
  inner.finish('"repeat"');
  return [{ repeat: { ...head, do: branch(actions, translation) } }];
}

function parallel(fields: Fields, translation: Translation): JsonObject[] {
  const given = fields.take('parallel');
  const branches = (given ? listOf(given) : [])
    .map((one) => branch(one, translation))
    .filter((one) => one.length > 0);
  if (branches.length === 0) return [];
  if (branches.length > MAX_BRANCHES)
    throw new Untranslatable(
      fields.at,
      `more than ${MAX_BRANCHES} branches at once`,
      'put several into one',
    );
  return [{ parallel: branches }];
}

/** Names that waits and commands use themselves. */
const TAKEN = ['wait', 'outcome'];

/** Each by itself, as a later one may use an earlier. @throws Untranslatable */
export function variables(part: Part | undefined, translation: Translation): JsonObject[] {
  if (!part) return [];
  if (part.type !== 'map')
    throw new Untranslatable(part.at, 'variables are names and values', 'write them as a map');
  const made: JsonObject[] = [];
  for (const [name, { at, value }] of part.entries) {
    if (!/^[A-Za-z_][A-Za-z0-9_]{0,63}$/.test(name) || TAKEN.includes(name))
      throw new Untranslatable(
        at,
        `"${name}" is no name for a variable here`,
        'give it another name',
      );
    made.push({ let: { [name]: valueOfPart(value, translation) } });
    translation.vars.set(name, `vars.${name}`);
  }
  const isPlain = !JSON.stringify(made).includes('${');
  return isPlain && made.length > 1
    ? [{ let: Object.assign({}, ...made.map((one) => one.let)) as Json }]
    : made;
}

function stop(fields: Fields, translation: Translation): JsonObject[] {
  const reason = fields.take('stop');
  const failed = fields.take('error');
  const response = fields.take('response_variable');
  if (response) throw new Untranslatable(response.at, 'a run gives no answer', 'leave it out');
  if (failed)
    translation.ignore(failed.at, '"error": a run that stops says why, and counts as stopped');
  const text = reason
    ? String(valueOfTemplate(textOf(reason, 'the reason'), reason.at, translation))
    : '';
  // Reasons are fixed texts
  return [{ stop: text === '' || text.includes('${') ? true : text }];
}

function event(fields: Fields): JsonObject[] {
  const name = fields.take('event');
  throw new Untranslatable(
    name?.at ?? fields.at,
    `there is no bus of events to fire "${name ? plainText(name, 'the event') : ''}" on`,
    'send an event to a twin: { send: { twin: …, event: … } }',
  );
}
