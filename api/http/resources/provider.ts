import { z } from 'zod';
import { iso, Moment } from '../../../features/contract/moment.ts';
import type { LinkedProvider } from '../../../identity/index.ts';

const Name = z
  .string()
  .describe('In addresses.')
  .meta({ examples: ['google'] });
const Label = z
  .string()
  .describe('For people.')
  .meta({ examples: ['Google'] });

export const ProviderPath = z.object({
  provider: z
    .string()
    .max(64)
    .describe('One of `GET /v1/auth/providers`.')
    .meta({ examples: ['google'] }),
});

export const Provider = z
  .object({ name: Name, label: Label })
  .meta({ id: 'Provider', description: 'With whom else people can sign in.' });

export const Linked = z
  .object({
    name: Name,
    label: Label,
    email: z.string().nullable().describe('Theirs there, when it was linked.'),
    linkedAt: Moment,
  })
  .meta({ id: 'LinkedProvider', description: 'With whom somebody can sign in.' });

/** What an app keeps to itself until it finishes; RFC 7636 §4.1. */
const Verifier = z
  .string()
  .regex(/^[A-Za-z0-9._~-]{43,128}$/, 'must be 43 to 128 letters, digits, "-", ".", "_" or "~"')
  .describe('A random text that the app has made, and shown to nobody.');

export const Beginning = z
  .strictObject({
    returnTo: z
      .string()
      .max(500)
      .describe('Where the browser goes in the end: one of APP_URLS, with any query.')
      .meta({ examples: ['myapp://signed-in'] }),
    challenge: z
      .string()
      .regex(/^[A-Za-z0-9_-]{43}$/, 'must be a SHA-256 in base64url, without padding')
      .describe('BASE64URL(SHA256(verifier)), as PKCE’s S256.'),
  })
  .meta({ id: 'ProviderStart' });

export const Begun = z
  .object({ url: z.string().describe('Open it in a browser, within ten minutes.') })
  .meta({ id: 'ProviderStarted' });

export const Proof = z.strictObject({
  code: z.string().min(1).max(8_000).describe('Of the address that the browser went to; once.'),
  verifier: Verifier,
});

export function toLinked({ linkedAt, ...rest }: LinkedProvider): z.infer<typeof Linked> {
  return { ...rest, linkedAt: iso(linkedAt) };
}
