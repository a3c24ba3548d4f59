/** The door of the HTTP side: says who asks, and lets them do what the table of permissions allows. */

import type { FastifyInstance, FastifyRequest } from 'fastify';
import { unknownHome } from '../../engine/index.ts';
import type { Decision, Identity, Principal } from '../../identity/index.ts';
import type { Limits } from '../edge/limits.ts';
import { pathOf, Refusal } from '../problem.ts';
import { cameInAddress, DocsPass, isDocs, isLive, tokenOf } from './credentials.ts';
import type { Action } from './permissions.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What the route is about, in the table of permissions. A route without one does not start. */
    action?: Action;
    /** Whether a person has to have proved of late who they are. */
    proof?: true;
    /** A POST that changes nothing: its body asks what no address could hold. */
    reads?: true;
  }
  interface FastifyRequest {
    /** Null: nobody that we know. */
    principal: Principal | null;
    /** Why the door has been closed on it. */
    refusedBecause: 'anonymous' | 'forbidden' | 'hidden' | null;
  }
}

/** Routes that other packages register: the pages of the documentation. */
const DOCS_ACTION: Action = 'api.read';

/** @param secret signs the pass for the documentation */
export function guardRoutes(
  app: FastifyInstance,
  identity: Identity,
  limits: Limits,
  secret: string,
): void {
  const pass = new DocsPass(secret);
  app.decorateRequest('principal', null);
  app.decorateRequest('refusedBecause', null);

  app.addHook('onRoute', ({ config, method, url }) => {
    if (config?.action !== undefined || isDocs(url)) return;
    throw new Error(`${String(method)} ${url} names no action of the table of permissions`);
  });

  app.addHook('onRequest', async (request, reply) => {
    const path = pathOf(request.url);
    const token = tokenOf(request);
    request.principal = token === null ? null : await identity.principalOf(token);
    const action = actionOf(request);
    const { home = null, twin = null } = pathParametersOf(request);
    const hasPass = request.principal === null && pass.opens(request);
    await limits.assertMayKnock(request, reply, hasPass || request.principal !== null);
    const decision = hasPass ? OPEN : await identity.decide(request.principal, action, home, twin);
    if (!decision.may) throw refusal(request, decision.because, home);
    await limits.assertMayAsk(request, reply);
    if (request.ws && !isLive(path)) {
      throw new Refusal('malformed', 'this is not a WebSocket address', {
        hint: 'Connect to /v1/live.',
      });
    }
    // Out of the address bar, the history and every Referer
    if (request.principal !== null && isDocs(path) && cameInAddress(request)) {
      return reply.header('set-cookie', pass.cookieFor(request)).redirect('/docs/', 303);
    }
  });
  lookAgain(app, identity);
}

/**
 * Behind the body, which may have taken half a minute to arrive: whoever has lost their right meanwhile may not
 * do it any more. What somebody else must not do with a session that they have found asks for a proof, too.
 */
function lookAgain(app: FastifyInstance, identity: Identity): void {
  app.addHook('preHandler', async (request) => {
    const { principal, routeOptions } = request;
    if (principal === null) return;
    const action = actionOf(request);
    if (request.method !== 'GET' && identity.permissions.of(action).place !== 'open') {
      const { home = null, twin = null } = pathParametersOf(request);
      if (await identity.hasEnded(principal)) throw refusal(request, 'anonymous', home);
      const decision = await identity.decide(principal, action, home, twin);
      if (!decision.may) throw refusal(request, decision.because, home);
    }
    if (routeOptions.config.proof && principal.type === 'person') {
      await assertProof(identity, principal.session);
    }
  });
}

/** How long a password or a code counts as just given. */
const PROOF_MS = 10 * 60_000;

async function assertProof(identity: Identity, session: string): Promise<void> {
  if (await identity.isProven(session, PROOF_MS)) return;
  throw new Refusal('proof-required', 'this needs your password or second factor once more', {
    hint: 'POST /v1/me/proof, or sign in again; then repeat this within ten minutes.',
  });
}

function pathParametersOf({ params }: FastifyRequest): { home?: string; twin?: string } {
  return (params ?? {}) as { home?: string; twin?: string };
}

const OPEN: Decision = { may: true };

/** An address that does not exist may be asked for by everyone who is signed in. */
function actionOf(request: FastifyRequest): Action {
  return request.routeOptions.config.action ?? DOCS_ACTION;
}

function refusal(
  request: FastifyRequest,
  because: NonNullable<FastifyRequest['refusedBecause']>,
  home: string | null,
): Error {
  request.refusedBecause = because;
  switch (because) {
    case 'anonymous':
      return new Refusal('unauthorized', 'this needs a token that is valid', {
        hint: 'Send "Authorization: Bearer <token>": an access token, an API key, or ADMIN_TOKEN.',
      });
    case 'hidden':
      return unknownHome(home ?? '');
    case 'forbidden':
      return new Refusal('forbidden', `you may not do this (${actionOf(request)})`, {
        hint: 'docs/permissions.md shows who may do what.',
      });
  }
}
