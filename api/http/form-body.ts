import type { App } from './app.ts';

export const FORM = 'application/x-www-form-urlencoded';

/** Bodies are forms, as a browser sends them; of a field that comes twice the last counts. */
export function readFormsOnly(app: App): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(FORM, { parseAs: 'string' }, (_request, text, done) => {
    done(null, Object.fromEntries(new URLSearchParams(String(text))));
  });
}
