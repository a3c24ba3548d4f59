/** The feature's door: what the composition root, the routes and the command line use. */
import { defineFeature } from '../contract/feature.ts';
import { blueprint } from './blueprints/blueprint.ts';
import { rulesConfiguration } from './configuration.ts';
import { holdRules } from './held-rules.ts';
import { rule } from './kind/rule.ts';
import { kit } from './kits/kit.ts';
import { rulesActions } from './permissions.ts';
import { startRules } from './start.ts';

export { blueprint } from './blueprints/blueprint.ts';
export { callHook } from './home/hooks.ts';
export { rule } from './kind/rule.ts';
export { kit } from './kits/kit.ts';
export { rulesActions } from './permissions.ts';
export { type Definition, readRule } from './rule-definition.ts';
export { type Backtest, backtest } from './trial/backtest.ts';
export { serveJobs } from './work/job-thread.ts';
export type { Beginning as JobThreadBeginning } from './work/protocol.ts';

const authored = [rule, blueprint, kit];

export const rulesFeature = defineFeature({
  name: 'rules',
  kinds: authored,
  authored,
  actions: rulesActions,
  tags: {
    Rules: 'Automations: checked, live, run by hand.',
    Kits: 'Twins, scenes, blueprints and rules that come and go together.',
  },
  configuration: rulesConfiguration,
  begin: holdRules,
  start: startRules,
});
