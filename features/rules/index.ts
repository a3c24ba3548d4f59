/** The feature's door: what the composition root, the routes and the command line use. */
import { z } from 'zod';
import type { Feature } from '../contract/feature.ts';
import { blueprint } from './blueprints/blueprint.ts';
import { rulesConfiguration } from './configuration.ts';
import { rule } from './kind/rule.ts';
import { kit } from './kits/kit.ts';
import { rulesActions } from './permissions.ts';
import { definition } from './rule-definition.ts';

export { blueprint, type Context as BlueprintContext } from './blueprints/blueprint.ts';
export { formOf } from './blueprints/form.ts';
export { rulesConfiguration } from './configuration.ts';
export type { Link } from './explain/chain.ts';
export type { Explanation } from './explain/explain.ts';
export { tellAccount, tellChain, tellExplanation } from './explain/words.ts';
export { beginStart, type RulesWish } from './held-rules.ts';
export {
  type BlueprintReading,
  deleteBlueprint,
  mustReadBlueprint,
  putBlueprint,
} from './home/blueprints.ts';
export {
  discardDraft,
  findDraft,
  mustReadDraft,
  promoteDraft,
  putDraft,
  readDraft,
} from './home/drafts.ts';
export { contextOf as kitContextOf } from './home/kit-plan.ts';
export { type KitListener, type KitReading, Kits, phaseOf } from './home/kits.ts';
export { deleteRule, mustReadRule, putRule, tryRule } from './home/rules.ts';
export type { Context as RuleContext } from './kind/context.ts';
export { webhooksOf } from './kind/program.ts';
export { rule } from './kind/rule.ts';
export { kit } from './kits/kit.ts';
export type { Part } from './kits/part.ts';
export { LANGUAGES } from './language/languages.ts';
export { pathOf } from './language/place.ts';
export type { Problem as RuleProblem } from './language/problem.ts';
export { parseText } from './language/yaml.ts';
export { rulesActions } from './permissions.ts';
export type { Definition } from './rule-definition.ts';
export { readRule } from './rule-definition.ts';
export { tellStart } from './starts.ts';
export { type Backtest, backtest, type Deed } from './trial/backtest.ts';
export { runTests } from './trial/run-tests.ts';
export { serveJobs } from './work/job-thread.ts';
export type { Beginning as JobThreadBeginning } from './work/protocol.ts';
export { type RuleWork, type RunJob, workHere } from './work/rule-work.ts';
export { RuleThreads } from './work/threads.ts';

const authored = [rule, blueprint, kit];

export const rulesFeature: Feature = {
  name: 'rules',
  kinds: authored,
  authored,
  actions: rulesActions,
  configuration: rulesConfiguration,
};

/** JSON Schema (draft 2020-12) of a rule as it is written: for editors. */
export function ruleSchema(): Record<string, unknown> {
  return { title: 'Homeostat rule', ...z.toJSONSchema(definition, { io: 'input' }) };
}
