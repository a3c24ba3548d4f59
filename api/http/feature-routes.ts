/** Makes addresses of the routes of features. */

import type {
  FeatureRoute,
  RouteProblem,
  RouteRequest,
  Sight,
} from '../../features/contract/route.ts';
import { nameOf, type Permissions } from '../../identity/index.ts';
import type { Action } from '../access/permissions.ts';
import {
  type Ask,
  askAs,
  assertMayExplain,
  assertSeesTurns,
  hiddenKinds,
} from '../access/sight.ts';
import type { StartedFeature } from '../start-features.ts';
import { always, conflict, json, notFound, refused, stale, withBody } from './answers.ts';
import type { App, RouteContext } from './app.ts';

const PROBLEMS = {
  'not-found': notFound,
  conflict,
  stale,
  refused,
} as const satisfies Record<RouteProblem, object>;

export function featureRoutes(
  app: App,
  { identity }: Pick<RouteContext, 'identity'>,
  features: readonly StartedFeature[],
): void {
  for (const { name, routes } of features) {
    for (const route of routes) {
      app.route({
        method: route.method,
        url: route.path,
        config: { action: actionOf(identity.permissions, name, route) },
        schema: schemaOf(route),
        handler: async ({ params, query, body, principal }) => {
          const sight = sightOf(askAs(identity, principal));
          const request = { params, query, body, principal: nameOf(principal), sight };
          return (await route.handle(request as RouteRequest<unknown, unknown, unknown>)) as never;
        },
      });
    }
  }
}

/** @throws Error at the start, for an action that no table names */
function actionOf(
  permissions: Permissions,
  feature: string,
  { action, path }: FeatureRoute,
): Action {
  // Typed are those only that routes of the core name
  if (permissions.has(action)) return action as Action;
  throw new Error(`the feature ${feature} names the action "${action}" at ${path}, which is none`);
}

function schemaOf(route: FeatureRoute) {
  const { operationId, tags, summary, description, params, query, body, answer } = route;
  const problems = route.problems.map((name) => PROBLEMS[name]);
  return {
    ...{ operationId, tags: [...tags], summary, params },
    ...(description !== undefined && { description }),
    ...(query && { querystring: query }),
    ...(body && { body }),
    response: {
      200: json(answer.description, answer.schema),
      ...Object.assign({}, ...problems),
      ...(route.method !== 'GET' && withBody),
      ...always,
    },
  };
}

function sightOf(may: Ask): Sight {
  return {
    assertMayExplain: (home, twin) => assertMayExplain(may, home, twin),
    assertSeesTurns: (twin) => assertSeesTurns(may, twin),
    hiddenKinds: (home) => hiddenKinds(may, home),
  };
}
