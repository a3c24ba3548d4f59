/** The values that somebody gives the inputs of a blueprint or a kit. */
import type { Json } from '../../../engine/kind.ts';
import { didYouMean } from '../../contract/suggest.ts';
import type { HomeSnapshot } from '../check/home-snapshot.ts';
import { fieldsOf } from '../checker/known-home.ts';
import { parseDuration } from '../language/duration.ts';
import type { Place } from '../language/place.ts';
import { error, type Problem } from '../language/problem.ts';
import { HOME_TWIN } from '../model/home-twin.ts';
import type { Input, Inputs } from './blueprint-definition.ts';
import type { Value, Values } from './substitute.ts';

const TIME = /^([01]\d|2[0-3]):[0-5]\d$/;
const MAX_CHARACTERS = 2_000;
const MAX_TWINS = 100;

/**
 * Each input with its value, given or by default.
 * @param home null: names of twins and modes are taken as they are
 */
export function valuesOf(
  inputs: Inputs,
  given: Readonly<Record<string, Json>>,
  home: HomeSnapshot | null,
): { values: Values; problems: Problem[] } {
  const values = new Map<string, Value>();
  const names = Object.keys(inputs);
  const problems = Object.keys(given)
    .filter((name) => !names.includes(name))
    .map((name) => error(`there is no input "${name}"${hintFor(name, names)}`, ['inputs', name]));
  for (const [name, input] of Object.entries(inputs)) {
    const isGiven = Object.hasOwn(given, name);
    const value = isGiven ? given[name] : input.default;
    const place = ['inputs', name];
    if (value === undefined) {
      problems.push(error(`is missing: ${input.title ?? name} (${input.type})`, place));
      continue;
    }
    const flaws = flawsOfValue(input, value, place, home);
    const suffix = isGiven ? '' : ' (by default; give another)';
    problems.push(...flaws.map((flaw) => ({ ...flaw, message: `${flaw.message}${suffix}` })));
    if (flaws.length === 0) values.set(name, value as Value);
  }
  return { values, problems };
}

/** Values that are right for their types, for a look at what is made of them. */
export function sampleOf(inputs: Inputs): Values {
  return new Map(Object.entries(inputs).map(([name, input]) => [name, sample(input)]));
}

function sample(input: Input): Value {
  switch (input.type) {
    case 'twin':
      return input.several ? ['twin'] : 'twin';
    case 'number':
      return input.default ?? input.min ?? input.max ?? 1;
    case 'boolean':
      return input.default ?? true;
    case 'duration':
      return input.default ?? '1m';
    case 'time':
      return input.default ?? '12:00';
    case 'choice':
      return input.options[0] ?? '';
    case 'text':
    case 'mode':
      return input.default ?? 'home';
  }
}

function hintFor(name: string, names: readonly string[]): string {
  return didYouMean(name, names) || `; it takes: ${names.join(', ') || 'none'}`;
}

function flawsOfValue(
  input: Input,
  value: Json,
  place: Place,
  home: HomeSnapshot | null,
): Problem[] {
  const say = (message: string) => [error(message, place)];
  switch (input.type) {
    case 'twin': {
      if (!input.several) return flawsOfTwin(input, value, place, home);
      if (!Array.isArray(value) || value.length === 0) return say('has to be a list of twins');
      if (value.length > MAX_TWINS) return say(`takes ${MAX_TWINS} twins at most`);
      return value.flatMap((one, at) => flawsOfTwin(input, one, [...place, at], home));
    }
    case 'number': {
      const { min, max, step, unit = '' } = input;
      if (typeof value !== 'number' || !Number.isFinite(value)) return say('has to be a number');
      const limit = (bound: number) => `${bound}${unit === '' ? '' : ` ${unit}`}`;
      if (min !== undefined && value < min) return say(`has to be ${limit(min)} or more`);
      if (max !== undefined && value > max) return say(`has to be ${limit(max)} or less`);
      if (step !== undefined) {
        const steps = (value - (min ?? 0)) / step;
        if (Math.abs(steps - Math.round(steps)) > 1e-6)
          return say(`goes in steps of ${limit(step)}${min === undefined ? '' : ` from ${min}`}`);
      }
      return [];
    }
    case 'boolean':
      return typeof value === 'boolean' ? [] : say('has to be true or false');
    case 'text':
      return flawsOfText(value).flatMap(say);
    case 'duration':
      return typeof value === 'string' && parseDuration(value) !== null
        ? []
        : say('has to be a duration such as 30s, 10m, 1h30m');
    case 'time':
      return typeof value === 'string' && TIME.test(value)
        ? []
        : say('has to be a time of day such as 07:30, in quotes');
    case 'mode': {
      const known = home?.twins.get(HOME_TWIN)?.settings.modes;
      if (typeof value !== 'string') return say('has to be the name of a mode');
      if (home === null) return [];
      if (!Array.isArray(known))
        return say(`the home has no twin "${HOME_TWIN}", so it has no modes`);
      const modes = known.map(String);
      return modes.includes(value)
        ? []
        : say(
            `the home has no mode "${value}"${didYouMean(value, modes) || `; it has: ${modes.join(', ')}`}`,
          );
    }
    case 'choice': {
      if (typeof value === 'string' && input.options.includes(value)) return [];
      const near = didYouMean(String(value), input.options);
      return say(
        `is not ${JSON.stringify(value)}${near || `; it is: ${input.options.join(', ')}`}`,
      );
    }
  }
}

function flawsOfText(value: Json): string[] {
  if (typeof value !== 'string') return ['has to be a text'];
  if (value.length > MAX_CHARACTERS) return [`takes ${MAX_CHARACTERS} characters at most`];
  // Half a character, and what no store takes
  return /\p{Cs}/u.test(value) || /(?![\n\t])\p{Cc}/u.test(value)
    ? ['has a character in it that cannot be stored']
    : [];
}

function flawsOfTwin(
  input: Extract<Input, { type: 'twin' }>,
  value: Json,
  place: Place,
  home: HomeSnapshot | null,
): Problem[] {
  const say = (message: string) => [error(message, place)];
  if (typeof value !== 'string' || !/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(value)) {
    return say(input.several ? 'has to be the id of a twin' : 'has to be the id of one twin');
  }
  if (home === null) return [];
  const twin = home.twins.get(value);
  const fits = (id: string) => {
    const kind = home.twins.get(id)?.kind;
    return input.kind === undefined || (kind !== undefined && [input.kind].flat().includes(kind));
  };
  if (!twin) {
    const candidates = [...home.twins.keys()].filter(fits);
    return say(`there is no twin "${value}"${didYouMean(value, candidates)}`);
  }
  if (!fits(value)) {
    return say(
      `"${value}" is a ${twin.kind}, and has to be a ${[input.kind].flat().join(' or a ')}`,
    );
  }
  const [area = '', name = ''] = input.path?.split('.') ?? [];
  const kind = home.kinds.get(twin.kind);
  if (!kind || (area !== 'reported' && area !== 'desired' && area !== 'settings')) return [];
  const fields = fieldsOf(kind, area, twin);
  if (fields.has(name) || (fields.size === 0 && area === 'reported')) return [];
  return say(`"${value}" is a ${twin.kind}, which has no ${input.path}`);
}
