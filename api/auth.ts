/**
 * Who may ask. There is one principal so far, the platform's administrator, and one secret: the
 * bearer token. Everything but health needs it.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { pathOf, Refusal } from './problem.ts';

/** The principal of every request that carries the token. */
export const ADMIN = 'admin';

export interface Authority {
  /** Whether the request carries the token, in one of the ways that its address allows. */
  allows(request: FastifyRequest): boolean;
  /** The token if it came in the address of a page, where it must not stay. */
  pageCookie(request: FastifyRequest): string | null;
}

const OPEN = new Set(['/healthz', '/readyz']);
const LIVE = '/v1/live';
const DOCS_COOKIE = 'homeostat_docs';

export function authority(token: string): Authority {
  const expected = digest(token);
  // Opens the documentation and nothing else; the token cannot be read back from it
  const docsPass = createHmac('sha256', token).update('docs').digest('base64url');
  const isToken = (given: string | null) =>
    given !== null && timingSafeEqual(digest(given), expected);
  return {
    allows: (request) => {
      if (isToken(bearerOf(request))) return true;
      const path = pathOf(request.url);
      if (takesQueryToken(request) && isToken(queryToken(request))) return true;
      return (
        isDocs(path) &&
        request.method === 'GET' &&
        timingSafeEqual(digest(cookieOf(request) ?? ''), digest(docsPass))
      );
    },
    pageCookie: (request) =>
      isDocs(pathOf(request.url)) && isToken(queryToken(request))
        ? `${DOCS_COOKIE}=${docsPass}; Path=/docs; HttpOnly; SameSite=Strict`
        : null,
  };
}

/** Refuses what lacks the token, before anything of it is read. */
export function requireToken(app: FastifyInstance, admits: Authority): void {
  app.addHook('onRequest', async (request, reply) => {
    if (OPEN.has(pathOf(request.url))) return;
    if (!admits.allows(request)) {
      throw new Refusal('unauthorized', 'this needs the administrator’s token', {
        hint: 'Send "Authorization: Bearer <ADMIN_TOKEN>".',
      });
    }
    if (request.ws && pathOf(request.url) !== LIVE) {
      throw new Refusal('malformed', 'this is not a WebSocket address', {
        hint: `Connect to ${LIVE}.`,
      });
    }
    const cookie = admits.pageCookie(request);
    if (cookie === null) return;
    // Out of the address bar, the history and every Referer
    return reply.header('set-cookie', cookie).redirect('/docs/', 303);
  });
}

/**
 * Browsers cannot set headers on EventSource, WebSocket and the address bar, so these few addresses
 * take `?access_token=` too. Nothing here ever logs a query.
 */
function takesQueryToken(request: FastifyRequest): boolean {
  if (request.method !== 'GET') return false;
  const path = pathOf(request.url);
  return path === LIVE || isDocs(path) || /^\/v1\/homes\/[^/]+\/stream$/.test(path);
}

function isDocs(path: string): boolean {
  return path === '/docs' || path.startsWith('/docs/');
}

function bearerOf(request: FastifyRequest): string | null {
  const { authorization } = request.headers;
  return authorization?.match(/^Bearer +(\S+) *$/i)?.[1] ?? null;
}

function queryToken(request: FastifyRequest): string | null {
  const { access_token: token } = request.query as { access_token?: unknown };
  return typeof token === 'string' ? token : null;
}

function cookieOf(request: FastifyRequest): string | null {
  const cookies = request.headers.cookie?.split(/; */) ?? [];
  const found = cookies.find((cookie) => cookie.startsWith(`${DOCS_COOKIE}=`));
  return found?.slice(DOCS_COOKIE.length + 1) ?? null;
}

/** Hashed, so that comparing takes the same time whatever was given, of any length. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
