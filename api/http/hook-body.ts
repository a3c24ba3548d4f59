import { Refusal } from '../problem.ts';
import type { App } from './app.ts';
import { FORM } from './form-body.ts';
import { readJsonOnly } from './json-body.ts';

/** Deeper is nothing that a program sends on purpose, and each level costs whoever walks it. */
const MOST_LEVELS = 64;

/** Bodies are what programs of others send: JSON, forms (of a field that comes twice the last counts), texts. */
export function readHookBodies(app: App): void {
  readJsonOnly(app);
  app.addContentTypeParser(FORM, { parseAs: 'string' }, (_request, text, done) => {
    const fields = [...new URLSearchParams(String(text))].filter(([name]) => name !== '__proto__');
    done(null, Object.fromEntries(fields));
  });
  app.addContentTypeParser(/^text\//, { parseAs: 'string' }, (_request, text, done) => {
    done(null, text);
  });
}

/** @throws Refusal `malformed` for what is nested without end */
export function assertShallow(body: unknown): void {
  if (fits(body, MOST_LEVELS)) return;
  throw new Refusal('malformed', `the body has more than ${MOST_LEVELS} levels`, {
    hint: 'Send what has happened, in few levels.',
  });
}

function fits(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return levels > 0 && Object.values(value).every((member) => fits(member, levels - 1));
}
