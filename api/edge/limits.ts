/** How often somebody may ask, so that nobody takes the server away from the others. */
import rateLimit, { type RateLimitOptions } from '@fastify/rate-limit';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { nameOf, type Permissions } from '../../identity/index.ts';
import type { App } from '../http/app.ts';
import { Refusal } from '../problem.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Which limit has refused it. */
    refusedByLimit: LimitName | null;
  }
}

export type LimitName = 'address' | 'principal' | 'hook' | 'home';

/** Requests a minute; 0: as many as come. */
export interface LimitOptions {
  /** Requests from one address (of IPv6: one /64) without a valid credential, or to get one. */
  signIn: number;
  /** Requests a minute of one principal. */
  requests: number;
  /** Requests a minute of one webhook of a rule. */
  hookRequests: number;
  /** Requests into one home, of everyone together. */
  homeRequests: number;
}

/** Tell how much of a limit is used: its size, what is left, and the seconds until it begins anew. */
export const RATE_HEADERS = ['ratelimit-limit', 'ratelimit-remaining', 'ratelimit-reset'] as const;

const MINUTE_MS = 60_000;
const SUBNET_BITS = 64;
/**
 * The most callers that are remembered of each sort; beyond that, the one that has not come for longest begins anew.
 * About 4 MB each when they are full.
 */
const MAX_COUNTED = 20_000;
/** Who looks after the server sees it when it is full, too. */
const WATCHING: ReadonlySet<string | undefined> = new Set(['health.read', 'metrics.read']);

interface Standing {
  max: number;
  remaining: number;
  ttlInSeconds: number;
}
/** Counts a request. @throws Refusal `too-many-requests` */
type Count = (request: FastifyRequest) => Promise<Standing | null>;

/** Counts requests minute by minute, in memory: one server answers for a database. */
export class Limits {
  readonly #ofAddress: Count;
  readonly #ofPrincipal: Count;
  readonly #ofHook: Count;
  readonly #ofHome: Count;
  readonly #permissions: Permissions;

  private constructor(
    app: App,
    { signIn, requests, hookRequests, homeRequests }: LimitOptions,
    permissions: Permissions,
  ) {
    this.#permissions = permissions;
    this.#ofAddress = counter(app, 'address', {
      max: signIn,
      ipv6Subnet: SUBNET_BITS,
    });
    this.#ofPrincipal = counter(app, 'principal', {
      max: requests,
      keyGenerator: ({ principal }) => nameOf(principal),
    });
    this.#ofHook = counter(app, 'hook', {
      max: hookRequests,
      keyGenerator: ({ principal }) => nameOf(principal),
    });
    this.#ofHome = counter(app, 'home', {
      max: homeRequests,
      keyGenerator: ({ params }) => (params as { home: string }).home,
    });
  }

  static async open(app: App, options: LimitOptions, permissions: Permissions): Promise<Limits> {
    app.decorateRequest('refusedByLimit', null);
    await app.register(rateLimit, { global: false });
    return new Limits(app, options, permissions);
  }

  /**
   * Before anything is decided or hashed.
   * @param isKnown it brought something that counts
   * @throws Refusal `too-many-requests`
   */
  async assertMayKnock(
    request: FastifyRequest,
    reply: FastifyReply,
    isKnown: boolean,
  ): Promise<void> {
    const { action } = request.routeOptions.config;
    if (action === 'health.read' || (isKnown && !this.#isEntering(action))) return;
    tell(reply, await this.#ofAddress(request));
  }

  /**
   * Behind the door: what nobody may do is not counted against the home.
   * @throws Refusal `too-many-requests`
   */
  async assertMayAsk(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    if (request.principal === null || WATCHING.has(request.routeOptions.config.action)) return;
    const count = request.principal.type === 'hook' ? this.#ofHook : this.#ofPrincipal;
    tell(reply, await count(request));
    // Not told: what is left of it depends on the others
    const { home } = (request.params ?? {}) as { home?: string };
    if (home !== undefined) await this.#ofHome(request);
  }

  /** It costs a password's hash, or lets somebody guess, whatever else they bring. */
  #isEntering(action: string | undefined): boolean {
    return action !== undefined && this.#permissions.of(action).place === 'open';
  }
}

function counter(app: App, name: LimitName, options: RateLimitOptions & { max: number }): Count {
  if (options.max === 0) return async () => null;
  const whole: RateLimitOptions = { timeWindow: MINUTE_MS, cache: MAX_COUNTED, ...options };
  const take = app.createRateLimit(whole);
  return async (request) => {
    const taken = await take(request);
    if (taken.isAllowed) return null;
    if (!taken.isExceeded) return taken;
    request.refusedByLimit = name;
    throw new Refusal('too-many-requests', DETAIL[name](options.max), {
      hint: HINT[name],
      retryAfter: Math.max(1, taken.ttlInSeconds),
    });
  };
}

const DETAIL: Record<LimitName, (max: number) => string> = {
  address: (max) =>
    `more than ${max} requests in a minute came from this address to sign in, or without a valid token`,
  principal: (max) => `more than ${max} requests in a minute came with this token or account`,
  hook: (max) => `more than ${max} calls of this webhook came in a minute`,
  home: (max) => `more than ${max} requests in a minute came for this home, of everyone together`,
};

const FOLLOW = 'Wait, as Retry-After says. Follow /v1/live rather than ask again and again.';
const HINT: Record<LimitName, string> = {
  address: 'Wait, as Retry-After says.',
  principal: FOLLOW,
  hook: 'Wait, as Retry-After says; call it when something has happened, and once.',
  home: FOLLOW,
};

function tell(reply: FastifyReply, standing: Standing | null): void {
  if (standing === null) return;
  const { max, remaining, ttlInSeconds } = standing;
  const [limit, left, reset] = RATE_HEADERS;
  const told = { [limit]: max, [left]: remaining, [reset]: ttlInSeconds };
  for (const [name, value] of Object.entries(told)) reply.header(name, String(value));
}
