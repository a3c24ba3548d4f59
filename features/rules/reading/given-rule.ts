/** A rule as somebody gives it, read and checked against its home. */

import type { Instance } from '../blueprints/blueprint-definition.ts';
import { parseInstance, readInstance } from '../blueprints/blueprint-text.ts';
import { expand } from '../blueprints/expand.ts';
import { checkRule } from '../check/check.ts';
import { flawsOfText } from '../check/size.ts';
import type { Problem as RuleProblem } from '../language/problem.ts';
import type { Read } from '../language/read.ts';
import type { Origin } from '../model/origin.ts';
import { type Definition, parseRule, readRule } from '../rule-definition.ts';
import type { RuleHome } from './read-home.ts';
/** A rule as it comes in: an author's text, the same as data, or values for a blueprint. */
export type GivenRule =
  | { source: string }
  | { definition: unknown }
  | { blueprint: string; inputs?: unknown; rule?: string | undefined; name?: string | undefined };

export interface ReadRule {
  /** Null: it is no rule. */
  definition: Definition | null;
  /** Null: it is not made from a blueprint. */
  origin: Origin | null;
  /** The author's text, where there is one. */
  source: string | null;
  problems: RuleProblem[];
}

/** The name of a rule whose values for a blueprint are only tried. */
const DRAFT = 'draft';

/** Reads a rule and checks it against its home. */
export function readGiven(given: GivenRule, home: RuleHome): ReadRule {
  const source = 'source' in given ? given.source : null;
  const flaws = flawsOfText(source);
  if (flaws.length > 0) return { definition: null, origin: null, source, problems: flaws };
  const made = instanceIn(given);
  if (made) {
    if (made.value === null)
      return { definition: null, origin: null, source, problems: made.problems };
    return { source, ...expand(made.value, home.blueprints, home, made.locate) };
  }
  const read = ruleIn(given);
  if (read.value === null)
    return { definition: null, origin: null, source, problems: read.problems };
  const problems = checkRule(read.value, home, read.locate);
  return { definition: read.value, origin: null, source, problems };
}

/** What a rule calls itself; empty where it does not say. */
export function idOf(given: GivenRule): string {
  return (instanceIn(given) ?? ruleIn(given)).value?.rule ?? '';
}

function ruleIn(given: GivenRule): Read<Definition> {
  return 'source' in given
    ? readRule(given.source)
    : parseRule('definition' in given ? given.definition : given);
}

function instanceIn(given: GivenRule): Read<Instance> | null {
  if ('source' in given) return readInstance(given.source);
  return parseInstance('definition' in given ? given.definition : { rule: DRAFT, ...given });
}
