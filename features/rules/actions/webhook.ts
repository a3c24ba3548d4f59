/** Sends a request to somebody outside. */
import { z } from 'zod';
import type { Json, JsonObject } from '../../../engine/kind.ts';
import { asText, parseTemplate, type Template } from '../expressions/template.ts';
import { duration, oneOrMore, typed, value } from '../language/schemas.ts';
import { type Action, asking, defineAction } from './action.ts';

interface WebhookAction extends Action {
  readonly type: 'webhook';
  readonly url: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly headers: Record<string, string>;
  /** Headers that name secrets, and no expression beside them. */
  readonly secretHeaders?: Record<string, string>;
  readonly body?: Json;
  /** ms. */
  readonly timeout?: number;
  readonly expect?: number[];
}

const HEADER = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$/;
/** What the transport says itself, or what would change where a request goes. */
const OWN_HEADERS = [
  ...['host', 'connection', 'content-length', 'transfer-encoding', 'upgrade', 'te', 'trailer'],
  ...['expect', 'keep-alive', 'idempotency-key', 'proxy-authorization', 'proxy-connection'],
];
const SECRET = /\$\{\s*secrets\.([A-Za-z_][A-Za-z0-9_]{0,63})\s*\}/g;
const namesSecret = (text: string) => /\$\{\s*secrets\./.test(text);

const address = z
  .string()
  .max(2_000)
  .refine(
    isAddress,
    'an address begins with http:// or https:// and a host that no expression chooses, without name and password',
  )
  .describe('${…} may stand behind the host; what it says is percent-encoded');
function isAddress(url: string): boolean {
  const [constant = ''] = url.split('${');
  // Where an expression follows, the host has to have ended before
  const host =
    constant === url ? /^https?:\/\/[^/?#@\\\s]+(?=[/?]|$)/ : /^https?:\/\/[^/?#@\\\s]+[/?]/;
  return host.test(constant) && !/[\\\s]/.test(constant) && URL.canParse(constant);
}

const headers = z.record(
  z
    .string()
    .regex(HEADER, 'is no name of a header')
    .refine(
      (name) => !OWN_HEADERS.includes(name.toLowerCase()),
      'is a header that the request has of itself',
    ),
  z
    .string()
    .max(4_000)
    .refine(
      (text) => !namesSecret(text) || !text.replaceAll(SECRET, '').includes('${'),
      'a header with ${secrets.…} has no other expression, and a secret is named like ${secrets.token}',
    ),
);

export const webhook = defineAction<WebhookAction>({
  type: 'webhook',
  schema: () =>
    z
      .strictObject({
        webhook: z
          .strictObject({
            url: address,
            method: z.enum(['POST', 'PUT', 'PATCH', 'DELETE', 'GET']).default('POST'),
            headers: headers
              .default({})
              .describe('${secrets.name} in them is a secret of the home'),
            body: value.optional().describe('A text is sent as it is, anything else as JSON'),
            timeout: duration
              .refine((ms) => ms >= 1_000 && ms <= 30_000, 'a timeout is 1s to 30s')
              .optional()
              .describe('How long an answer may take; default 10s'),
            expect: oneOrMore(z.int().min(200).max(499))
              .optional()
              .describe('Statuses that mean that it was taken; default: 200 to 299'),
          })
          .refine(({ method, body }) => method !== 'GET' || body === undefined, {
            message: 'a GET has no body',
            path: ['body'],
          }),
      })
      .transform(({ webhook: { headers: given, ...rest } }) => {
        const all = Object.entries(given);
        const secret = all.filter(([, text]) => namesSecret(text));
        return typed('webhook')({
          ...rest,
          headers: Object.fromEntries(all.filter(([, text]) => !namesSecret(text))),
          secretHeaders: secret.length > 0 ? Object.fromEntries(secret) : undefined,
        });
      }),
  check({ url, headers: given, body, secretHeaders }, checker, place) {
    const at = [...place, 'webhook'];
    checker.template(url, [...at, 'url']);
    checker.template(given, [...at, 'headers']);
    if (body !== undefined) checker.template(body, [...at, 'body']);
    if (secretHeaders && url.startsWith('http:')) {
      const message = 'its secrets can be read on the way: use https';
      checker.say(message, [...at, 'url'], 'warning');
    }
  },
  compile(action, place, assembler) {
    const { method, secretHeaders, timeout, expect } = action;
    assembler.add(
      asking(
        action,
        place,
        ({ url, headers: given, body }) => [
          {
            type: 'webhook',
            method,
            url: String(url),
            headers: asTexts(given as JsonObject),
            ...(secretHeaders && { secretHeaders }),
            ...(body !== undefined && { body }),
            ...(timeout !== undefined && { timeoutMs: timeout }),
            ...(expect && { expect }),
          },
        ],
        valuesOf(action),
      ),
    );
  },
});

/** What is filled in: the address in a way that cannot change where it leads, and no secrets. */
function valuesOf({ url, headers: given, body }: WebhookAction): Template {
  const filledUrl = parseTemplate(url, encodeURIComponent);
  const rest = parseTemplate({ headers: given, ...(body !== undefined && { body }) });
  return {
    expressions: [...filledUrl.expressions, ...rest.expressions],
    fill(scope) {
      const [one, other] = [filledUrl.fill(scope), rest.fill(scope)];
      const operands = [...one.operands, ...other.operands];
      if (!one.ok || !other.ok) return { ...(one.ok ? other : one), operands };
      return { ok: true, value: { url: one.value, ...(other.value as JsonObject) }, operands };
    },
  };
}

function asTexts(given: JsonObject): Record<string, string> {
  const texts = Object.entries(given).map(([name, one]) => [name, asText(one ?? null)]);
  return Object.fromEntries(texts) as Record<string, string>;
}
