import type { FastifyRequest } from 'fastify';
import type { App } from './app.ts';
import { assertShallow } from './shallow.ts';

/** Bodies are JSON, as such or as a merge patch; an empty one is no body, whatever its type says. */
export function readJsonOnly(app: App): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  const read = (
    request: FastifyRequest,
    text: string,
    done: (error: Error | null, body?: unknown) => void,
  ) => {
    if (text === '') done(null, undefined);
    // It answers by its callback; the type says that it might also by a promise
    else void parse(request, text, (error, body) => done(error ?? flawOf(body), body));
  };
  app.removeAllContentTypeParsers();
  for (const type of ['application/json', 'application/merge-patch+json']) {
    app.addContentTypeParser(type, { parseAs: 'string' }, read);
  }
}

function flawOf(body: unknown): Error | null {
  try {
    assertShallow(body);
    return null;
  } catch (refusal) {
    return refusal as Error;
  }
}
