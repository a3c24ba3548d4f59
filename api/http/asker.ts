/** Whether whoever asked still waits for the answer. */
import type { FastifyReply } from 'fastify';

/** Ends when whoever asked has gone, or has been answered otherwise. */
export function askerOf(reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  // Of a request, `close` says only that all of it has been read
  reply.raw.once('close', () => gone.abort());
  return gone.signal;
}
