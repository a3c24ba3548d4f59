/** Reads a text, or data, as a blueprint, or as a rule that is made from one. */
import type { ScalarTag } from 'yaml';
import type { z } from 'zod';
import type { Json } from '../../../engine/kind.ts';
import { error, type Locate, located, type Problem } from '../language/problem.ts';
import { type Read, readData, readText } from '../language/read.ts';
import { parseText } from '../language/yaml.ts';
import { parseRule } from '../rule-definition.ts';
import { type Blueprint, blueprint, type Instance, instance } from './blueprint-definition.ts';
import { flawsOf, substituted, usesOf } from './substitute.ts';
import { sampleOf, valuesOf } from './values.ts';

/** `!input lamp` is `{$input: lamp}`. */
export const INPUT_TAG: ScalarTag = {
  tag: '!input',
  identify: () => false,
  resolve: (text) => ({ $input: text }),
};

export interface ReadBlueprint {
  /** Null: it cannot be used. */
  value: Blueprint | null;
  locate: Locate;
  /** Warnings too. */
  problems: Problem[];
}

export function readBlueprint(text: string): ReadBlueprint {
  return examined(readText(text, blueprint, [INPUT_TAG]));
}

export function parseBlueprint(given: unknown): ReadBlueprint {
  return examined(readData(given, blueprint));
}

function examined({ value, locate, problems }: Read<Blueprint>): ReadBlueprint {
  if (value === null) return { value, locate, problems };
  const flaws = flawsOfBlueprint(value).map((problem) => located(problem, locate));
  const isUsable = flaws.every(({ severity }) => severity === 'warning');
  return { value: isUsable ? value : null, locate, problems: flaws };
}

function flawsOfBlueprint({ inputs, rule }: Blueprint): Problem[] {
  const names = Object.keys(inputs);
  const flaws = flawsOf(rule, 'rule', names, ['rule']);
  if (Object.hasOwn(rule, 'rule')) {
    flaws.push(error('whoever uses the blueprint says the id of the rule', ['rule', 'rule']));
  }
  const withDefault = Object.entries(inputs).filter(([, input]) => input.default !== undefined);
  const defaults = withDefault.map(([name, input]) => [name, input.default as Json]);
  const { problems: wrong } = valuesOf(
    Object.fromEntries(withDefault),
    Object.fromEntries(defaults) as Record<string, Json>,
    null,
  );
  for (const { place, ...problem } of wrong) {
    flaws.push({ ...problem, place: [...place.slice(0, 2), 'default', ...place.slice(2)] });
  }
  const used = new Set(usesOf(rule).map(({ input }) => input));
  for (const name of names) {
    if (!used.has(name))
      flaws.push({ severity: 'warning', message: 'is used nowhere', place: ['inputs', name] });
  }
  if (flaws.some(({ severity }) => severity === 'error')) return flaws;
  // Whether it is a rule at all shows with any values of the right types
  const body = substituted(rule, 'rule', sampleOf(inputs)) as object;
  const { problems } = parseRule({ ...body, rule: 'rule' });
  return [...flaws, ...problems.map((one) => ({ ...one, place: ['rule', ...one.place] }))];
}

/** A rule that is made from a blueprint; null where the text says that it is one of its own. */
export function readInstance(text: string): Read<Instance> | null {
  const { value } = parseText(text);
  return value && isInstance(value.given) ? readText(text, instance) : null;
}

export function parseInstance(given: unknown): Read<Instance> | null {
  return isInstance(given) ? readData(given, instance) : null;
}

function isInstance(given: unknown): given is z.input<typeof instance> {
  return (
    typeof given === 'object' &&
    given !== null &&
    Object.hasOwn(given, 'blueprint') &&
    !Object.hasOwn(given, 'triggers')
  );
}
