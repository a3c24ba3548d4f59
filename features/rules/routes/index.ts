/** All routes of the rules. */
import type { FeatureRoute } from '../../contract/route.ts';
import { blueprintRoutes } from './blueprints.ts';
import { draftRoutes } from './drafts.ts';
import { explainRoutes } from './explain.ts';
import { homeSecretRoutes } from './home-secrets.ts';
import { hookRoutes } from './hooks.ts';
import { kitRoutes } from './kits.ts';
import { replayRoutes } from './replay.ts';
import { ruleRoutes } from './rules.ts';
import type { RulesContext } from './rules-context.ts';

export function rulesRoutes(context: RulesContext): FeatureRoute[] {
  return [
    ...[ruleRoutes, blueprintRoutes, kitRoutes, draftRoutes, explainRoutes],
    ...[hookRoutes, homeSecretRoutes, replayRoutes],
  ].flatMap((routesOf) => routesOf(context));
}
