/** Which web pages may ask: our own, and those of the origins in CORS_ORIGINS. */
import cors from '@fastify/cors';
import type { FastifyRequest } from 'fastify';
import type { App } from '../http/app.ts';
import { Refusal } from '../problem.ts';
import { RATE_HEADERS } from './limits.ts';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'];
/** What a page may read of an answer beside its body. */
const READABLE = ['etag', 'location', 'retry-after', ...RATE_HEADERS];
/** How long a browser remembers what it may do, s. */
const PREFLIGHT_SECONDS = 600;

/**
 * Browsers ask before a page reads anything of another origin, but not before it opens a WebSocket: that
 * is refused here. Who sends no Origin is no browser.
 * @param origins as browsers send them: `https://app.example.org`
 * @param publicUrl the address that people know the server by
 */
export async function admitOrigins(
  app: App,
  { origins, publicUrl }: { origins: readonly string[]; publicUrl: string | null },
): Promise<void> {
  if (origins.length > 0) {
    await app.register(cors, {
      origin: async (origin: string | undefined) =>
        origin !== undefined && origins.includes(origin) ? origin : false,
      methods: METHODS,
      exposedHeaders: READABLE,
      maxAge: PREFLIGHT_SECONDS,
      // It would refuse others in a format of its own
      strictPreflight: false,
    });
  }
  const own = publicUrl === null ? null : new URL(publicUrl).origin;
  app.addHook('onRequest', async (request) => {
    const { origin } = request.headers;
    if (!request.ws || origin === undefined || origin === own || origins.includes(origin)) return;
    if (origin === addressed(request)) return;
    throw new Refusal('forbidden', `a page of ${origin} may not connect to this server`, {
      hint: 'Who runs the server can let it in with CORS_ORIGINS.',
    });
  });
}

/** The origin under which this very request has found us. */
function addressed({ protocol, host }: FastifyRequest): string {
  return `${protocol}://${host}`;
}
