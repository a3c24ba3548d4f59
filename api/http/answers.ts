/** What answers look like in route schemas: validated when sent, and shown in the OpenAPI document. */
import { z } from 'zod';
import { PROBLEM_TYPE, Problem } from '../problem.ts';

/** Headers of an answer, as the OpenAPI document shows them. */
export type AnswerHeaders = Record<string, { type: 'string' | 'integer'; description: string }>;

export const etag = {
  etag: { type: 'string', description: 'The twin’s revision, quoted: `"42"`.' },
} as const satisfies AnswerHeaders;
export const location = {
  location: { type: 'string', description: 'Where to read it.' },
} as const satisfies AnswerHeaders;

/** A JSON answer. */
export function json<S extends z.ZodType>(
  description: string,
  schema: S,
  headers: AnswerHeaders = {},
) {
  return { description, headers, content: { 'application/json': { schema } } };
}

/** A problem document. */
export function problem(description: string, headers: AnswerHeaders = {}) {
  return { description, headers, content: { [PROBLEM_TYPE]: { schema: Problem } } } as {
    description: string;
    headers: AnswerHeaders;
    content: { 'application/problem+json': { schema: typeof Problem } };
  };
}

/** An answer without a body. */
export function empty(description: string) {
  return z.undefined().describe(description);
}

const tooMany = {
  429: problem('Too many requests, or too many tries.', {
    'retry-after': { type: 'integer', description: 'Seconds to wait.' },
  }),
};

/** Answers that every route may give. */
export const open = {
  ...tooMany,
  400: problem('The request is malformed; `errors` says where.'),
  414: problem('A part of the path is longer than any id.'),
  431: problem('The address and the headers together are larger than this server reads.'),
  500: problem('A fault of the server.'),
  503: problem('Overloaded, stopping, or the store is away: try again.', {
    'retry-after': { type: 'integer', description: 'Seconds to wait.' },
  }),
};

/** Answers that every route behind a token may give. */
export const always = {
  ...open,
  401: problem('The token is missing, wrong, or counts no more.', {
    'www-authenticate': { type: 'string', description: '`Bearer`.' },
  }),
  403: problem('The table of permissions does not allow it.'),
};

/** The answers to a request that has to prove something and does not. */
export const wrong = {
  401: problem('What should prove it is wrong, or too old.', {
    'www-authenticate': { type: 'string', description: '`Bearer`.' },
  }),
};

/** Where the server is set so that nobody, or not everybody, may. */
export const closed = { 403: problem('This server is set not to allow it.') };

/** Where a home may have so many, and routes are open to who has no token. */
export const full = { 403: problem('The home has as many as it may; see `quota`.') };

/** Answers of routes that change something: whether they take a body or not, one may come. */
export const withBody = {
  413: problem('The body is larger than this server takes.'),
  415: problem('The body is not JSON.'),
};

export const notFound = { 404: problem('There is no such home, twin or thing.') };
export const conflict = { 409: problem('It exists already, or what you ask contradicts it.') };
export const stale = { 412: problem('`If-Match` names another revision than the twin has now.') };
export const refused = {
  422: problem('Well-formed, but the kind or the engine refuses it; `detail` and `hint` say why.'),
};
