/** Makes addresses of the routes of features. */

import type { FastifyReply, FastifyRequest } from 'fastify';
import type {
  Asker,
  FeatureRoute,
  Placed,
  RouteProblem,
  RouteRequest,
  Visibility,
} from '../../features/contract/route.ts';
import { accountOf, nameOf, type Permissions } from '../../identity/index.ts';
import type { Action } from '../access/permissions.ts';
import {
  type Ask,
  askAs,
  assertMayExplain,
  assertSeesTurns,
  hiddenKinds,
} from '../access/visibility.ts';
import { Refusal } from '../problem.ts';
import type { StartedFeature } from '../start-features.ts';
import {
  always,
  conflict,
  empty,
  etag,
  full,
  json,
  location,
  notFound,
  open,
  refused,
  stale,
  withBody,
  wrong,
} from './answers.ts';
import type { App, RouteContext } from './app.ts';
import { askerOf } from './asker.ts';
import { IdempotencyKey, requesterOf } from './requester.ts';
import { etagOf, IfMatch } from './revision.ts';

const PROBLEMS = {
  'not-found': notFound,
  conflict,
  stale,
  refused,
  unproved: wrong,
  full,
} as const satisfies Record<RouteProblem, object>;

export function featureRoutes(
  app: App,
  { identity, publicUrl }: Pick<RouteContext, 'identity' | 'publicUrl'>,
  features: readonly StartedFeature[],
): void {
  for (const { name, routes } of features) {
    for (const route of routes) {
      app.route({
        method: route.method,
        url: route.path,
        config: { action: actionOf(identity.permissions, name, route) },
        ...(route.longMs !== undefined && { handlerTimeout: route.longMs }),
        ...(route.bodyLimit !== undefined && { bodyLimit: route.bodyLimit }),
        schema: schemaOf(route),
        handler: async (request, reply) => {
          const visibility = visibilityOf(askAs(identity, request.principal));
          const given = requestFor(route, request, reply, { visibility, publicUrl });
          return send(reply, route, given.params, await route.handle(given)) as never;
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
  const { operationId, tags, summary, description, params, query, body } = route;
  const { answer, made, created, done, isOpen } = route;
  const problems = route.problems.map((name) => PROBLEMS[name]);
  const headers = headersOf(route);
  const tag = answer?.tagged ? etag : {};
  return {
    ...{ operationId, tags: [...tags], summary },
    ...(description !== undefined && { description }),
    ...(isOpen && { security: [] }),
    ...(params && { params }),
    ...(query && { querystring: query }),
    ...(body && { body }),
    ...(headers && { headers }),
    response: {
      ...(answer && { 200: json(answer.description, answer.schema, tag) }),
      ...(answer &&
        made && { 201: json(made.description, answer.schema, { ...tag, ...location }) }),
      ...(created && {
        201: json(created.description, created.schema, created.at ? { ...etag, ...location } : {}),
      }),
      ...(done !== null && { 204: empty(done) }),
      ...Object.assign({}, ...problems),
      ...(route.method !== 'GET' && withBody),
      ...(isOpen ? open : always),
    },
  };
}

function headersOf({ ifMatch, idempotent }: FeatureRoute) {
  if (ifMatch && idempotent) return IfMatch.extend(IdempotencyKey.shape);
  if (ifMatch) return IfMatch;
  return idempotent ? IdempotencyKey : null;
}

function requestFor(
  { ifMatch, idempotent }: FeatureRoute,
  request: FastifyRequest,
  reply: FastifyReply,
  { visibility, publicUrl }: { visibility: Visibility; publicUrl: string | null },
): RouteRequest<unknown, unknown, unknown> {
  const { params, query, body, headers, principal } = request;
  const taken = headers as { 'if-match'?: string; 'idempotency-key'?: string };
  return {
    ...{ params, query, body, visibility, principal: nameOf(principal) },
    by: requesterOf(principal, {
      ...(ifMatch && { 'if-match': taken['if-match'] }),
      ...(idempotent && { 'idempotency-key': taken['idempotency-key'] }),
    }),
    get asker(): Asker {
      return { account: accountOf(principal), signal: askerOf(reply) };
    },
    get server() {
      return publicUrl?.replace(/\/+$/, '') ?? `${request.protocol}://${request.host}`;
    },
    gateway() {
      if (principal?.type === 'gateway') return { id: principal.gateway, home: principal.home };
      throw new Refusal('forbidden', 'this is for gateways');
    },
    proved(who) {
      request.provedAs = who;
    },
  };
}

/** Answers as the route describes it. */
function send(reply: FastifyReply, route: FeatureRoute, params: unknown, answer: unknown): unknown {
  const { done, created } = route;
  if (done !== null) return reply.code(204).send();
  if (created) {
    reply.code(201);
    if (created.at) place(reply, created.at(answer as never), answer);
    return reply.send(answer);
  }
  const placed = route.made ? (answer as Placed<unknown>) : { made: false, body: answer };
  if (route.answer?.tagged) reply.header('etag', etagFor(placed.body));
  if (placed.made) reply.code(201).header('location', `/v1${route.made?.path(params as never)}`);
  return reply.send(placed.body);
}

function place(reply: FastifyReply, path: string, body: unknown): void {
  reply.header('location', `/v1${path}`).header('etag', etagFor(body));
}

function etagFor(body: unknown): string {
  return etagOf((body as { revision: number }).revision);
}

function visibilityOf(may: Ask): Visibility {
  return {
    assertMayExplain: (home, twin) => assertMayExplain(may, home, twin),
    assertSeesTurns: (twin) => assertSeesTurns(may, twin),
    hiddenKinds: (home) => hiddenKinds(may, home),
  };
}
