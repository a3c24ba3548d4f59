/** Where a request carries its token. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { pathOf } from '../problem.ts';

const LIVE = '/v1/live';
const DOCS_COOKIE = 'homeostat_docs';

/** The token, from the header, or from the address where that is allowed. */
export function tokenOf(request: FastifyRequest): string | null {
  const bearer = bearerOf(request);
  if (bearer !== null) return bearer;
  if (isHook(pathOf(request.url))) return hookSecret(request);
  return takesQueryToken(request) ? queryToken(request) : null;
}

export function isDocs(path: string): boolean {
  return path === '/docs' || path.startsWith('/docs/');
}

/** Where others call webhooks of rules. */
function isHook(path: string): boolean {
  return path.startsWith('/v1/hooks/');
}

export function isLive(path: string): boolean {
  return path === LIVE;
}

/** A pass for the pages of the documentation: browsers send no header with them. */
export class DocsPass {
  readonly #pass: string;

  /** @param secret the pass cannot be turned back into it */
  constructor(secret: string) {
    this.#pass = createHmac('sha256', secret).update('docs').digest('base64url');
  }

  /** A cookie to set, when the token came in the address of a page, where it must not stay. */
  cookieFor({ protocol }: FastifyRequest): string {
    const secure = protocol === 'https' ? '; Secure' : '';
    return `${DOCS_COOKIE}=${this.#pass}; Path=/docs; HttpOnly; SameSite=Strict${secure}`;
  }

  opens(request: FastifyRequest): boolean {
    if (request.method !== 'GET' || !isDocs(pathOf(request.url))) return false;
    const [given, wanted] = [Buffer.from(cookieOf(request) ?? ''), Buffer.from(this.#pass)];
    return given.length === wanted.length && timingSafeEqual(given, wanted);
  }
}

/** Whether the token came in the address. */
export function cameInAddress(request: FastifyRequest): boolean {
  return bearerOf(request) === null && queryToken(request) !== null;
}

/**
 * Browsers cannot set headers on EventSource, WebSocket and the address bar, so these few addresses
 * take `?access_token=` too. Nothing here ever logs a query.
 */
function takesQueryToken(request: FastifyRequest): boolean {
  if (request.method !== 'GET') return false;
  const path = pathOf(request.url);
  return isLive(path) || isDocs(path) || /^\/v1\/homes\/[^/]+\/stream$/.test(path);
}

function bearerOf(request: FastifyRequest): string | null {
  const { authorization } = request.headers;
  return authorization?.match(/^Bearer +(\S+) *$/i)?.[1] ?? null;
}

function queryToken(request: FastifyRequest): string | null {
  const { access_token: token } = request.query as { access_token?: unknown };
  return typeof token === 'string' ? token : null;
}

/** Many that call webhooks can set no `Authorization`, and some no header at all. */
function hookSecret(request: FastifyRequest): string | null {
  const { 'x-hook-secret': header } = request.headers;
  const { secret } = request.query as { secret?: unknown };
  const given = header ?? secret;
  return typeof given === 'string' && given !== '' ? given : null;
}

function cookieOf(request: FastifyRequest): string | null {
  const cookies = request.headers.cookie?.split(/; */) ?? [];
  const found = cookies.find((cookie) => cookie.startsWith(`${DOCS_COOKIE}=`));
  return found?.slice(DOCS_COOKIE.length + 1) ?? null;
}
