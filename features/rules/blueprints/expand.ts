/** A rule of a blueprint and values. */
import { stringify } from 'yaml';
import type { Json, JsonObject } from '../../../engine/kind.ts';
import { didYouMean } from '../../contract/suggest.ts';
import { checkRule } from '../check/check.ts';
import type { HomeSnapshot } from '../check/home-snapshot.ts';
import { error, type Locate, located, type Problem } from '../language/problem.ts';
import type { Origin } from '../model/origin.ts';
import { type Definition, parseRule } from '../rule-definition.ts';
import type { Blueprint, Instance } from './blueprint-definition.ts';
import { inputAtFault } from './fault.ts';
import { substituted, type Values } from './substitute.ts';
import { valuesOf } from './values.ts';

/** A blueprint, and where its parts stand in its text. */
export interface KnownBlueprint {
  definition: Blueprint;
  edition: number;
  locate: Locate;
}

export interface Expanded {
  /** Null: no rule comes of it. */
  definition: Definition | null;
  origin: Origin | null;
  /** Problems in what was given, but for those that name the blueprint. */
  problems: Problem[];
}

const NOWHERE: Locate = () => undefined;

/** @param home null: only the language is checked */
export function expand(
  instance: Instance,
  blueprints: ReadonlyMap<string, KnownBlueprint>,
  home: HomeSnapshot | null,
  locate: Locate = NOWHERE,
): Expanded {
  const known = blueprints.get(instance.blueprint);
  const failed = (problems: Problem[]): Expanded => ({ definition: null, origin: null, problems });
  if (!known) {
    const near = didYouMean(instance.blueprint, blueprints.keys());
    const missing = error(`there is no blueprint "${instance.blueprint}"${near}`, ['blueprint']);
    return failed([located(missing, locate)]);
  }
  const { inputs, rule } = known.definition;
  const given = instance.inputs as Record<string, Json>;
  const { values, problems } = valuesOf(inputs, given, home);
  if (problems.length > 0) return failed(problems.map((problem) => located(problem, locate)));

  const blame = (problem: Problem): Problem => {
    const input = inputAtFault(rule as Json, problem.place, problem, values);
    if (input !== null && Object.hasOwn(given, input))
      return located({ ...problem, place: ['inputs', input] }, locate);
    const place = input === null ? ['rule', ...problem.place] : ['inputs', input, 'default'];
    return located({ ...problem, place, blueprint: instance.blueprint }, known.locate);
  };
  const read = parseRule(written(instance, known, values));
  if (read.value === null) return failed(read.problems.map(blame));
  const found = home ? checkRule(read.value, home).map(blame) : [];
  const { blueprint } = instance;
  const origin = { blueprint, edition: known.edition, inputs: given, ...saidOf(instance) };
  return { definition: read.value, origin, problems: found };
}

/** The rule as an author would have written it without the blueprint, as YAML. */
export function writtenOut(instance: Instance, known: KnownBlueprint): string {
  const given = instance.inputs as Record<string, Json>;
  return stringify(written(instance, known, valuesOf(known.definition.inputs, given, null).values));
}

/** What a rule says that is made from a blueprint. */
export function instanceOf(rule: string, { edition: _, ...said }: Origin): Instance {
  return { ...said, rule };
}

function written(
  instance: Instance,
  { definition }: KnownBlueprint,
  values: Values,
): Record<string, Json> {
  const body = substituted(definition.rule as Json, 'rule', values) as JsonObject;
  return { rule: instance.rule, ...body, ...saidOf(instance) };
}

function saidOf({ name, description }: Instance) {
  return { ...(name !== undefined && { name }), ...(description !== undefined && { description }) };
}
