/**
 * The only file that knows how a refusal or a failure reads in HTTP: RFC 9457 problem documents.
 * 400 is a request that is not well-formed, 422 one that is and that the kind or the engine refuses.
 */
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { EngineError, type ErrorCode, type QuotaBreach } from '../engine/index.ts';
import { FeatureError } from '../features/contract/feature-error.ts';
import { IdentityError, type IdentityErrorCode } from '../identity/index.ts';

interface Meaning {
  status: number;
  title: string;
}

/** Seconds after which it is worth the try again; only codes that a repetition can mend. */
const RETRY_AFTER: Partial<Record<ProblemCode, number>> = {
  overloaded: 1,
  'storage-unavailable': 5,
  'storage-full': 60,
  stopping: 5,
  'held-back': 60,
  fenced: 5,
  'owned-elsewhere': 5,
  timeout: 5,
  unavailable: 5,
  'not-ready': 5,
};

/** Where who refused knew nothing better. */
const HINT: Partial<Record<ProblemCode, string>> = {
  malformed: 'The OpenAPI document at /openapi.json says what this address takes.',
  'bad-input': 'GET /v1/kinds shows what twins understand.',
  'unknown-home': 'GET /v1/homes lists the homes.',
  'unknown-twin': 'GET /v1/homes/{home}/twins lists the twins of a home.',
  'bad-credentials': 'Codes and tokens end after a while, or when they have been used.',
  forbidden: 'docs/permissions.md shows who may do what.',
  'too-many-tries': 'Wait, as Retry-After says.',
  'not-found': 'The list that it would stand in shows what there is.',
  conflict: 'Read it again and decide anew.',
  unavailable: 'Try again later.',
  'too-large': 'Send less at once.',
  'uri-too-long': 'Lists show the ids that there are.',
};

const ENGINE: Record<ErrorCode, Meaning> = {
  'bad-input': { status: 422, title: 'Refused' },
  'unknown-kind': { status: 422, title: 'No such kind' },
  'unknown-event': { status: 422, title: 'No such event' },
  'unknown-twin': { status: 404, title: 'No such twin' },
  'unknown-home': { status: 404, title: 'No such home' },
  unclaimed: { status: 409, title: 'The device waits to be claimed' },
  'not-found': { status: 404, title: 'Not found' },
  conflict: { status: 409, title: 'Conflict' },
  'stale-revision': { status: 412, title: 'The twin has moved on' },
  'kind-invalid': { status: 500, title: 'The kind is faulty' },
  'quota-exceeded': { status: 403, title: 'As many as there may be' },
  'state-too-large': { status: 422, title: 'The twin would remember too much' },
  'machine-failed': { status: 500, title: 'The machine failed' },
  'state-unreadable': { status: 500, title: 'The stored state cannot be read' },
  'cascade-too-deep': { status: 500, title: 'Twins tell each other in circles' },
  'cascade-too-wide': { status: 500, title: 'Twins tell each other without end' },
  'delivery-failed': { status: 502, title: 'The destination refused it' },
  'database-too-new': { status: 500, title: 'The database is newer than the code' },
  'migration-failed': { status: 500, title: 'A migration failed' },
  fenced: { status: 503, title: 'Another engine has taken over' },
  'owned-elsewhere': { status: 503, title: 'Another engine holds these homes' },
  overloaded: { status: 503, title: 'Too much at once' },
  'storage-unavailable': { status: 503, title: 'The store is away' },
  'storage-full': { status: 503, title: 'The store is full' },
  stopping: { status: 503, title: 'Stopping' },
  'held-back': { status: 503, title: 'Held back' },
};

const HTTP = {
  malformed: { status: 400, title: 'Malformed request' },
  'second-factor-required': { status: 401, title: 'A second factor is needed' },
  'proof-required': { status: 403, title: 'Prove who you are once more' },
  unauthorized: { status: 401, title: 'Not signed in' },
  'bad-credentials': { status: 401, title: 'Not right' },
  forbidden: { status: 403, title: 'Not allowed' },
  'too-large': { status: 413, title: 'Too large' },
  'uri-too-long': { status: 414, title: 'Address too long' },
  'unsupported-media-type': { status: 415, title: 'Unsupported media type' },
  'too-many-tries': { status: 429, title: 'Too many tries' },
  'too-many-requests': { status: 429, title: 'Too many requests' },
  'upgrade-required': { status: 426, title: 'A WebSocket address' },
  unavailable: { status: 503, title: 'Away at the moment' },
  'not-ready': { status: 503, title: 'Not ready' },
  timeout: { status: 503, title: 'No answer in time' },
  internal: { status: 500, title: 'Internal error' },
} as const satisfies Record<string, Meaning>;

export type ProblemCode = ErrorCode | keyof typeof HTTP;

export const Problem = z
  .object({
    type: z.string().describe('Names the sort of problem: `urn:homeostat:problem:<code>`.'),
    title: z
      .string()
      .describe('The sort of problem in a few words; the same for every occurrence.'),
    status: z.int().describe('The HTTP status.'),
    code: z.string().describe('The sort of problem for programs.'),
    detail: z.string().describe('What happened this time.'),
    hint: z.string().optional().describe('What you can do about it.'),
    instance: z.string().describe('The path that was asked for.'),
    errors: z
      .array(
        z.object({
          path: z.string().describe('Where in the request: `body.name`, `querystring.limit`.'),
          message: z.string(),
        }),
      )
      .optional()
      .describe('Each flaw of a malformed request.'),
    quota: z
      .object({
        name: z.string().describe('As GET /v1/homes/{home}/usage names it.'),
        limit: z.int().describe('As many as there may be.'),
        used: z.int().describe('As many as there are.'),
      })
      .optional()
      .describe('Of `quota-exceeded`: what there is no more room for.'),
  })
  .meta({
    id: 'Problem',
    description: 'RFC 9457 problem document; the body of every 4xx and 5xx answer.',
    examples: [
      {
        type: 'urn:homeostat:problem:stale-revision',
        title: 'The twin has moved on',
        status: 412,
        code: 'stale-revision',
        detail: 'home/heater is at revision 43, not 42',
        hint: 'Read it again and decide anew.',
        instance: '/v1/homes/home/twins/heater',
      },
    ],
  });
export type Problem = z.infer<typeof Problem>;

export const PROBLEM_TYPE = 'application/problem+json';

export interface RefusalDetails {
  hint?: string | undefined;
  errors?: Problem['errors'];
  quota?: Problem['quota'];
  /** Seconds after which it is worth another try. */
  retryAfter?: number;
  /** The status of this occurrence, where the code alone does not say it. */
  status?: number;
}

/** What the HTTP side itself refuses; the engine throws its own errors. */
export class Refusal extends Error {
  readonly code: ProblemCode;
  readonly details: RefusalDetails;

  constructor(code: ProblemCode, message: string, details: RefusalDetails = {}) {
    super(message);
    this.name = 'Refusal';
    this.code = code;
    this.details = details;
  }
}

/** What an answer with this problem consists of. */
export interface ProblemAnswer {
  status: number;
  headers: Record<string, string>;
  body: Problem;
}

/** Reads anything that was thrown while this request was served. */
export function problemOf(
  thrown: unknown,
  request: { method: string; url: string },
): ProblemAnswer {
  const refusal = refusalOf(thrown, request.method);
  const { code, message, details } = refusal;
  const { status, title } = meaningOf(code);
  const answered = details.status ?? status;
  const retryAfter = details.retryAfter ?? RETRY_AFTER[code];
  const hint = details.hint ?? HINT[code];
  return {
    status: answered,
    headers: {
      'content-type': PROBLEM_TYPE,
      'cache-control': 'no-store',
      // Also where no hook runs: a path that cannot be read, bytes that are no HTTP
      'x-content-type-options': 'nosniff',
      ...(retryAfter !== undefined && { 'retry-after': String(retryAfter) }),
      ...(answered === 401 && { 'www-authenticate': 'Bearer realm="homeostat"' }),
      ...(code === 'upgrade-required' && { upgrade: 'websocket' }),
    },
    body: {
      type: `urn:homeostat:problem:${code}`,
      title,
      status: answered,
      code,
      detail: message,
      ...(hint !== undefined && { hint }),
      instance: pathOf(request.url),
      ...(details.errors && { errors: details.errors }),
      ...(details.quota && { quota: details.quota }),
    },
  };
}

/** The path without its query, which may carry a token. */
export function pathOf(url: string): string {
  const query = url.indexOf('?');
  return query < 0 ? url : url.slice(0, query);
}

/** Answers what a handler threw; Fastify's error handler and its framework errors both end here. */
export function sendProblem(
  thrown: unknown,
  request: Pick<FastifyRequest, 'method' | 'url' | 'log'>,
  reply: Pick<FastifyReply, 'code' | 'headers' | 'send'>,
): void {
  const { status, headers, body } = problemOf(thrown, request);
  // A fault of ours: what is kept from the client stands in the log
  if (status === 500) request.log.error({ err: thrown, path: body.instance }, body.title);
  reply.code(status).headers(headers).send(body);
}

function meaningOf(code: ProblemCode): Meaning {
  return code in HTTP ? HTTP[code as keyof typeof HTTP] : ENGINE[code as ErrorCode];
}

function refusalOf(thrown: unknown, method: string): Refusal {
  if (thrown instanceof Refusal) return thrown;
  if (thrown instanceof EngineError) return refusalOfEngine(thrown, method);
  if (thrown instanceof IdentityError) return refusalOfIdentity(thrown);
  if (thrown instanceof FeatureError) return refusalOfFeature(thrown);
  return isFastifyError(thrown) ? refusalOfFastify(thrown) : internal();
}

function refusalOfEngine({ code, message, hint, quota }: EngineError, method: string): Refusal {
  if (quota) return refusalOfQuota(message, hint, quota);
  if (method === 'GET' || method === 'HEAD') {
    // A request without a payload can only be wrong in its query, or ask for what is not there
    if (code === 'bad-input') return new Refusal('malformed', message, { hint });
    if (code === 'unknown-kind') return new Refusal(code, message, { hint, status: 404 });
  }
  // Drivers name hosts, users and files in their messages
  if (code === 'storage-unavailable' || code === 'storage-full') {
    return new Refusal(code, 'the database does not answer or takes nothing at the moment', {
      hint: 'Try again later; nothing that was acknowledged is lost.',
    });
  }
  return new Refusal(code, message, { hint });
}

/** What has room again by itself is worth another try then. */
function refusalOfQuota(
  message: string,
  hint: string | undefined,
  { quota: name, limit, used, retryAfterMs }: QuotaBreach,
): Refusal {
  return new Refusal('quota-exceeded', message, {
    hint,
    quota: { name, limit, used },
    ...(retryAfterMs !== undefined && {
      status: 429,
      retryAfter: Math.ceil(retryAfterMs / 1_000),
    }),
  });
}

const OF_IDENTITY: Record<IdentityErrorCode, ProblemCode> = {
  'bad-credentials': 'bad-credentials',
  forbidden: 'forbidden',
  'not-found': 'not-found',
  conflict: 'conflict',
  'bad-input': 'bad-input',
  'second-factor-required': 'second-factor-required',
  'quota-exceeded': 'quota-exceeded',
  'too-many-tries': 'too-many-tries',
  unavailable: 'unavailable',
};

function refusalOfIdentity(error: IdentityError): Refusal {
  const { code, message, hint, retryAfterMs, quota } = error;
  if (quota) return refusalOfQuota(message, hint, quota);
  return new Refusal(OF_IDENTITY[code], message, {
    hint,
    ...(retryAfterMs !== undefined && { retryAfter: Math.ceil(retryAfterMs / 1_000) }),
  });
}

function refusalOfFeature({ code, message, details }: FeatureError): Refusal {
  const { hint, flaws, retryAfterMs } = details;
  return new Refusal(code, message, {
    hint,
    ...(flaws && { errors: flaws }),
    ...(retryAfterMs !== undefined && { retryAfter: Math.ceil(retryAfterMs / 1_000) }),
  });
}

function isFastifyError(thrown: unknown): thrown is FastifyError {
  return thrown instanceof Error && 'statusCode' in thrown;
}

function refusalOfFastify(error: FastifyError): Refusal {
  if (error.validation) {
    const errors = error.validation.map(({ instancePath, message }) => ({
      path: [error.validationContext, ...instancePath.split('/').filter(Boolean)].join('.'),
      message: message ?? 'is not valid',
    }));
    const detail = errors.map(({ path, message }) => `${path}: ${message}`).join('; ');
    return new Refusal('malformed', detail, {
      errors,
      hint: 'The OpenAPI document at /openapi.json says what this address takes.',
    });
  }
  switch (error.statusCode) {
    case 413:
      return new Refusal('too-large', 'the body is larger than this server takes');
    case 414:
      return new Refusal('uri-too-long', 'a part of the path is longer than any id');
    case 415:
      return new Refusal(
        'unsupported-media-type',
        'the body is of a type this address cannot read',
        {
          hint: 'Send JSON with "Content-Type: application/json".',
        },
      );
    case 503:
      return error.code === 'FST_ERR_HANDLER_TIMEOUT'
        ? new Refusal('timeout', 'it took too long; what you asked for may still happen', {
            hint: 'Repeat it with the same Idempotency-Key: what has happened is not done again.',
          })
        : new Refusal('stopping', 'the server is stopping');
    default: {
      const { statusCode } = error;
      if (statusCode === undefined || statusCode >= 500 || statusCode < 400) return internal();
      return new Refusal('malformed', error.message, { status: statusCode });
    }
  }
}

function internal(): Refusal {
  return new Refusal('internal', 'something went wrong here; the log of the server says what');
}
