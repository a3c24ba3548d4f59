import type { App } from './app.ts';
import { FORM } from './form-body.ts';
import { readJsonOnly } from './json-body.ts';

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
