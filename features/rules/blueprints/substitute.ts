/**
 * Puts values where inputs stand. A value never becomes more than a value: within an expression it is a CEL
 * literal, in a text that may hold `${…}` it cannot begin one, and anywhere else nothing is parsed.
 */
import type { Json, JsonObject } from '../../../engine/kind.ts';
import { didYouMean } from '../../contract/suggest.ts';
import { actionParts } from '../actions/index.ts';
import { conditionParts } from '../conditions/condition.ts';
import { ExpressionError, literalsOf } from '../expressions/expression.ts';
import { splitTemplate } from '../expressions/template.ts';
import type { Part } from '../language/part.ts';
import type { Place } from '../language/place.ts';
import { error, type Problem } from '../language/problem.ts';
import { triggerParts } from '../triggers/index.ts';

export type Value = string | number | boolean | string[];
export type Values = ReadonlyMap<string, Value>;

/** `<<name>>` within a text. */
const MARKER = /<<\s*([A-Za-z_][A-Za-z0-9_]*)\s*>>/g;

/** What stands below a key. A list is of the part that it stands in. */
function below(part: Part, key: string): Part {
  switch (part) {
    case 'rule':
      if (key === 'triggers') return 'trigger';
      if (key === 'conditions' || key === 'key') return 'condition';
      return key === 'actions' ? 'action' : 'plain';
    case 'trigger':
      return triggerParts.get(key) ?? 'plain';
    case 'wait':
      if (key === 'for') return 'trigger';
      return key === 'until' ? 'condition' : 'plain';
    case 'condition':
      return conditionParts.get(key) ?? 'plain';
    case 'action':
      return actionParts.get(key) ?? 'template';
    case 'template':
    case 'plain':
      return part;
  }
}

/** The input that a value is, where it is one: `{$input: name}`. */
function inputOf(value: Json): string | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  const name = value.$input;
  return typeof name === 'string' && Object.keys(value).length === 1 ? name : null;
}

/** The body with its inputs' values in it. @param body whose flaws are known to be none */
export function substituted(body: Json, part: Part, values: Values): Json {
  const input = inputOf(body);
  if (input !== null) return whole(givenTo(values, input), part);
  if (typeof body === 'string') return within(body, part, (name) => givenTo(values, name));
  if (Array.isArray(body)) return body.map((one) => substituted(one, part, values));
  if (typeof body === 'object' && body !== null) {
    return Object.fromEntries(
      Object.entries(body).map(([key, one]) => [key, substituted(one, below(part, key), values)]),
    );
  }
  return body;
}

function givenTo(values: Values, name: string): Value {
  const value = values.get(name);
  if (value === undefined) throw new Error(`there is no value for "${name}"`);
  return value;
}

function whole(value: Value, part: Part): Json {
  if (part === 'condition') return literal(value);
  if (part !== 'template') return value;
  return Array.isArray(value) ? value.map(inert) : typeof value === 'string' ? inert(value) : value;
}

function within(text: string, part: Part, value: (name: string) => Value): string {
  if (part === 'condition') return inExpression(text, value);
  if (part !== 'template') return text.replace(MARKER, (_, name: string) => shown(value(name)));
  return splitTemplate(text)
    .map((one) =>
      one.isExpression
        ? `\${${inExpression(one.text, value)}}`
        : one.text.replace(MARKER, (_, name: string) => inert(shown(value(name)))),
    )
    .join('');
}

function inExpression(text: string, value: (name: string) => Value): string {
  return text.replace(MARKER, (marker, name: string, at: number) => {
    const given = value(name);
    // `-5` after a minus, `5` before a dot would be something else
    const isOpen = typeof given === 'number' && (given < 0 || text[at + marker.length] === '.');
    return isOpen ? `(${literal(given)})` : literal(given);
  });
}

/** A value as CEL writes it. */
function literal(value: Value): string {
  return JSON.stringify(value);
}

/** A text that no template takes for anything else. */
function inert(text: string): string {
  return /[${]/.test(text) ? `\${${literal(text)}}` : text;
}

function shown(value: Value): string {
  return Array.isArray(value) ? value.join(', ') : String(value);
}

/** An input that is used. */
export interface Use {
  input: string;
  place: Place;
  /** It is all that stands there. */
  isWhole: boolean;
}

/** Which inputs a body uses, and where, in its order. */
export function usesOf(body: Json, place: Place = []): Use[] {
  const input = inputOf(body);
  if (input !== null) return [{ input, place, isWhole: true }];
  if (typeof body === 'string') {
    return [...body.matchAll(MARKER)].map(([, name]) => ({
      input: String(name),
      place,
      isWhole: false,
    }));
  }
  return membersOf(body).flatMap(([key, one]) => usesOf(one, [...place, key]));
}

/** What is wrong with the way in which a body uses its inputs. */
export function flawsOf(
  body: Json,
  part: Part,
  inputs: readonly string[],
  place: Place = [],
): Problem[] {
  const input = inputOf(body);
  if (input !== null) return inputs.includes(input) ? [] : [error(unknown(input, inputs), place)];
  if (typeof body === 'string') return flawsOfText(body, part, inputs, place);
  return membersOf(body).flatMap(([key, one]) => {
    const here = [...place, key];
    if (typeof key === 'number') return flawsOf(one, part, inputs, here);
    const flaws = flawsOf(one, below(part, key), inputs, here);
    if (key === '$input') {
      flaws.push(error('an input stands alone, and by its name: {"$input": "name"}', here));
    } else if (key.search(MARKER) >= 0) {
      flaws.push(error('an input cannot be a name here, only a value', here));
    }
    return flaws;
  });
}

function flawsOfText(text: string, part: Part, inputs: readonly string[], place: Place): Problem[] {
  const names = [...text.matchAll(MARKER)].map(([, name]) => String(name));
  const missing = names.filter((name) => !inputs.includes(name));
  if (missing.length > 0) return missing.map((name) => error(unknown(name, inputs), place));
  try {
    const expressions =
      part === 'condition'
        ? [text]
        : part === 'template'
          ? splitTemplate(text).flatMap((one) => (one.isExpression ? [one.text] : []))
          : [];
    return expressions.flatMap((one) => flawsOfExpression(one).map((flaw) => error(flaw, place)));
  } catch (thrown) {
    if (!(thrown instanceof ExpressionError)) throw thrown;
    return [error(thrown.message, place)];
  }
}

function unknown(name: string, inputs: readonly string[]): string {
  return `there is no input "${name}"${didYouMean(name, inputs) || `; there is: ${inputs.join(', ') || 'none'}`}`;
}

/**
 * Each marker has to be a value of its own. Where a text in its place is one, any other literal is too: the
 * expression is the same, whatever is given. @throws ExpressionError
 */
function flawsOfExpression(text: string): string[] {
  const probes = new Set<string>();
  const apart: string[] = [];
  const probed = text.replace(MARKER, (marker, name: string, at: number) => {
    const [before = '', after = ''] = [text[at - 1], text[at + marker.length]];
    if (/[\w"'\\]/.test(before) || /[\w"'\\]/.test(after)) apart.push(name);
    const probe = `input ${probes.size}: ${name}`;
    probes.add(probe);
    return literal(probe);
  });
  const why = (name: string) =>
    `<<${name}>> is a value of its own in an expression and brings its quotes: write "before " + <<${name}>>`;
  if (apart.length > 0) return apart.map(why);
  if (probes.size === 0) return [];
  let found: unknown[];
  try {
    found = literalsOf(probed);
  } catch (thrown) {
    if (!(thrown instanceof ExpressionError)) throw thrown;
    return [`${thrown.message} (in "${text}", where each <<…>> is a value of its own)`];
  }
  return [...probes]
    .filter((probe) => found.filter((one) => one === probe).length !== 1)
    .map((probe) => why(probe.split(': ')[1] ?? ''));
}

function membersOf(body: Json): [string | number, Json][] {
  if (Array.isArray(body)) return [...body.entries()];
  return typeof body === 'object' && body !== null ? Object.entries(body as JsonObject) : [];
}
