/** The rules of a home that are made from a blueprint, and what a change of it makes of them. */

import { type Address, type Reader, twinsOf } from '../../../engine/index.ts';
import type { Blueprint } from '../blueprints/blueprint-definition.ts';
import { expand, instanceOf } from '../blueprints/expand.ts';
import type { Context as RuleContext } from '../kind/context.ts';
import type { Locate, Problem as RuleProblem } from '../language/problem.ts';
import type { Origin } from '../model/origin.ts';
import type { Definition } from '../rule-definition.ts';
import { homeSnapshotOf, RULE_KIND, type RuleHome } from './read-home.ts';

/** A blueprint as it comes in: an author's text, or the same as data. */
export type GivenBlueprint = { source: string } | { definition: unknown };

/** A rule that is made from a blueprint. */
export interface MadeRule {
  id: string;
  origin: Origin;
  definition: Definition;
  source: string | null;
}

/** The rules of a home that are made from a blueprint, by id. */
export async function rulesMadeFrom(reader: Reader, { home, twin }: Address): Promise<MadeRule[]> {
  const rules: MadeRule[] = [];
  for await (const { twin: id, state } of twinsOf(reader, home, { kind: RULE_KIND })) {
    const { origin, definition, source } = state.context as unknown as RuleContext;
    if (origin?.blueprint === twin && definition) rules.push({ id, origin, definition, source });
  }
  return rules;
}

/** The rules that are of a former edition of their blueprint, as the present one makes them. */
export async function remade(
  reader: Reader,
  address: Address,
  except: ReadonlySet<string>,
): Promise<MadeRule[]> {
  const home = await homeSnapshotOf(reader, address.home, '');
  const rules: MadeRule[] = [];
  for (const rule of await rulesMadeFrom(reader, address)) {
    if (except.has(rule.id)) continue;
    const { definition, origin } = remake(rule, home);
    const isBehind = rule.origin.edition !== home.blueprints.get(address.twin)?.edition;
    // One that fits no more was refused before; who changed its twins since then hears of it at the rule
    if (!isBehind || definition === null || origin === null) continue;
    rules.push({ ...rule, definition, origin });
  }
  return rules;
}

/** Rules that a definition would leave with errors, each with them. */
export async function brokenBy(
  reader: Reader,
  home: string,
  definition: Blueprint,
  rules: readonly MadeRule[],
  locate: Locate = () => undefined,
): Promise<{ rule: string; problems: RuleProblem[] }[]> {
  const snapshot = await homeSnapshotOf(reader, home, '');
  const known = { definition, edition: 0, locate };
  const blueprints = new Map([...snapshot.blueprints, [definition.blueprint, known]]);
  return rules.flatMap((rule) => {
    const { problems } = remake(rule, { ...snapshot, blueprints });
    const errors = problems.filter(({ severity }) => severity === 'error');
    return errors.length > 0 ? [{ rule: rule.id, problems: errors }] : [];
  });
}

function remake({ id, origin }: MadeRule, home: RuleHome) {
  const others = home.rules.filter(({ rule }) => rule !== id);
  return expand(instanceOf(id, origin), home.blueprints, { ...home, rules: others });
}
