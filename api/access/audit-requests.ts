/** Writes down who has changed what over HTTP, and who was refused. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Deed, type Identity, nameOf } from '../../identity/index.ts';
import { pathOf } from '../problem.ts';

const READS = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Changes, and refusals of those whom we know. Who could not say who they are is in the log and in the
 * metrics, and so is who comes too often: the audit must not grow with every scan of the internet.
 */
export function auditRequests(app: FastifyInstance, identity: Identity): void {
  app.addHook('onResponse', async (request, reply) => {
    const { principal, refusedBecause, refusedByLimit, method } = request;
    const isChange = !READS.has(method) && refusedBecause === null;
    if (principal === null || refusedByLimit !== null) return;
    if (!isChange && refusedBecause === null) return;
    identity.audit.record(deedOf(request, reply, nameOf(principal)));
  });
}

/** Of a home that is none of theirs, or with the secret of another webhook. */
function isStranger({ refusedBecause }: FastifyRequest): boolean {
  return refusedBecause === 'hidden' || refusedBecause === 'anonymous';
}

function deedOf(request: FastifyRequest, reply: FastifyReply, who: string): Deed {
  const { home = null } = (request.params ?? {}) as { home?: string };
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
    detail: { status: statusCode },
    correlation: request.id,
  };
}
