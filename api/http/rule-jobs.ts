/** Long work with rules on behalf of a request. */

import type { FastifyReply, FastifyRequest } from 'fastify';
import type { RuleWork, RunJob } from '../../features/rules/index.ts';
import { accountOf } from '../../identity/index.ts';

/** How long a request may wait for it, ms: for its turn among others, and then for its answer. */
export const LONG_MS = 60_000;

/** It ends when whoever asked has gone, or has been answered otherwise. */
export function jobsFor(work: RuleWork, request: FastifyRequest, reply: FastifyReply): RunJob {
  const gone = new AbortController();
  // Of a request, `close` says only that all of it has been read
  reply.raw.once('close', () => gone.abort());
  return work.for({ account: accountOf(request.principal), signal: gone.signal });
}
