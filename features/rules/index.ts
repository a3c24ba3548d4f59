/** The rules' door: what the composition root and its routes use. */
import { z } from 'zod';
import { definition } from './language/definition.ts';

export { blueprint, type Context as BlueprintContext } from './blueprints/blueprint.ts';
export type {
  Blueprint,
  Instance,
} from './blueprints/definition.ts';
export {
  expand,
  instanceOf,
  type KnownBlueprint,
  type Origin,
  writtenOut,
} from './blueprints/expand.ts';
export { formOf } from './blueprints/form.ts';
export {
  parseBlueprint,
  parseInstance,
  type ReadBlueprint,
  readBlueprint,
  readInstance,
} from './blueprints/source.ts';
export { checkRule } from './check/check.ts';
export type { HomeSnapshot, KnownTwin } from './check/home-snapshot.ts';
export { flawsOfText } from './check/size.ts';
export { twinsUsedBy } from './check/uses.ts';
export { chainOf, type Link } from './explain/chain.ts';
export { type Explanation, explainRule } from './explain/explain.ts';
export { LANGUAGES, tellAccount, tellChain, tellExplanation } from './explain/words.ts';
export { hearsStart, webhooksOf } from './kind/program.ts';
export { type Context as RuleContext, rule } from './kind/rule.ts';
export type { Kit } from './kits/definition.ts';
export { type Context as KitContext, kit } from './kits/kit.ts';
export { type Found, isAsGiven, isChanged, type KitPart, type Part } from './kits/part.ts';
export { planOf } from './kits/plan.ts';
export { parseKit, readKit } from './kits/source.ts';
export type { Definition } from './language/definition.ts';
export { isSame } from './language/same.ts';
export {
  type Locate,
  type Problem as RuleProblem,
  parseRule,
  parseText,
  pathOf,
  printProblem,
  type Read,
  readRule,
} from './language/source.ts';
export { type Backtest, backtest, type Deed } from './trial/backtest.ts';
export type { Span } from './trial/history.ts';
export { runTests, type TestOutcome } from './trial/run-tests.ts';
export { compareDraft } from './trial/shadow.ts';

/** JSON Schema (draft 2020-12) of a rule as it is written: for editors. */
export function ruleSchema(): Record<string, unknown> {
  return { title: 'Homeostat rule', ...z.toJSONSchema(definition, { io: 'input' }) };
}
