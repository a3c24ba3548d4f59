/** The feature's door: what the composition root, the routes and the command line use. */
import type { Feature } from '../contract/feature.ts';
import { blueprint } from './blueprints/blueprint.ts';
import { rulesConfiguration } from './configuration.ts';
import { rule } from './kind/rule.ts';
import { kit } from './kits/kit.ts';
import { rulesActions } from './permissions.ts';

export { blueprint } from './blueprints/blueprint.ts';
export { rulesConfiguration } from './configuration.ts';
export { beginStart, type RulesWish } from './held-rules.ts';
export { findDraft } from './home/drafts.ts';
export { type KitListener, Kits } from './home/kits.ts';
export { mustReadRule } from './home/rules.ts';
export type { Context as RuleContext } from './kind/context.ts';
export { webhooksOf } from './kind/program.ts';
export { rule } from './kind/rule.ts';
export { kit } from './kits/kit.ts';
export { rulesActions } from './permissions.ts';
export { rulesRoutes } from './routes/index.ts';
export { type Definition, readRule } from './rule-definition.ts';
export { tellStart } from './starts.ts';
export { type Backtest, backtest } from './trial/backtest.ts';
export { serveJobs } from './work/job-thread.ts';
export type { Beginning as JobThreadBeginning } from './work/protocol.ts';
export { type RuleWork, workHere } from './work/rule-work.ts';
export { RuleThreads } from './work/threads.ts';

const authored = [rule, blueprint, kit];

export const rulesFeature: Feature = {
  name: 'rules',
  kinds: authored,
  authored,
  actions: rulesActions,
  configuration: rulesConfiguration,
};
