/** Writes down who has changed what over HTTP, and who was refused. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Proved } from '../../features/contract/route.ts';
import { type AuditedAction, type Identity, nameOf } from '../../identity/index.ts';
import { pathOf } from '../problem.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who has proved who they are by what the body says: a claim code, a factory token. */
    provedAs: Proved | null;
  }
}

const READS = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Changes, and refusals of those whom we know. Who could not say who they are is in the log and in the
 * metrics, and so is who comes too often: the audit must not grow with every scan of the internet.
 */
export function auditRequests(app: FastifyInstance, identity: Identity): void {
  app.decorateRequest('provedAs', null);
  app.addHook('onResponse', async (request, reply) => {
    const { principal, provedAs, refusedBecause, refusedByLimit } = request;
    const isChange = !isReading(request) && refusedBecause === null;
    const who = provedAs?.who ?? (principal && nameOf(principal));
    if (who === null || refusedByLimit !== null) return;
    if (!isChange && refusedBecause === null) return;
    identity.audit.record(deedOf(request, reply, who));
  });
}

/** Whether a request changes nothing, whoever makes it. */
export function isReading({ method, routeOptions }: FastifyRequest): boolean {
  return READS.has(method) || routeOptions.config.reads === true;
}

/**
 * Whether the request was refused because its home is none of the caller's, or because it had the secret of another
 * webhook.
 */
function isStranger({ refusedBecause }: FastifyRequest): boolean {
  return refusedBecause === 'hidden' || refusedBecause === 'anonymous';
}

function deedOf(request: FastifyRequest, reply: FastifyReply, who: string): AuditedAction {
  const { provedAs } = request;
  const { home = provedAs?.home ?? null } = (request.params ?? {}) as { home?: string };
  const { statusCode } = reply;
  const { action = 'unknown' } = request.routeOptions.config;
  return {
    // A home that is none of theirs must not find a stranger’s tries in its audit
    home: isStranger(request) ? null : home,
    who,
    address: request.ip,
    action,
    target: `${request.method} ${pathOf(request.url)}`,
    outcome: request.refusedBecause !== null ? 'refused' : statusCode < 400 ? 'done' : 'failed',
    detail: { status: statusCode, ...(provedAs?.by !== undefined && { by: provedAs.by }) },
    correlation: request.id,
  };
}
