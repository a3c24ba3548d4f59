/** Sign-in with others, as the environment describes it; `config.ts` gives it. */
import { z } from 'zod';
import type { ProviderOptions } from '../identity/index.ts';

const NAME = /^[a-z][a-z0-9-]{0,31}$/;
const LOOPBACK = /^(127\.|localhost$|\[::1\]$)/;
const needed = { error: 'is required' };

const Provider = z.object({
  ISSUER: z
    .string(needed)
    .refine(
      isIssuer,
      'must be an address such as https://accounts.google.com; http:// is for this machine only',
    ),
  CLIENT_ID: z.string(needed),
  CLIENT_SECRET: z.string().optional(),
  CLIENT_SECRET_FILE: z.string().optional(),
  LABEL: z.string().max(60).optional(),
  SCOPES: z
    .string()
    .refine((text) => text.split(' ').includes('openid'), 'must name the scope openid')
    .default('openid email profile'),
  RESPONSE_MODE: z.enum(['query', 'form_post']).default('query'),
});

/** The providers that OIDC_PROVIDERS names, and whatever is wrong with what stands about them. */
export function readProviders(
  names: readonly string[],
  environment: NodeJS.ProcessEnv,
): { providers: ProviderOptions[]; problems: string[] } {
  const problems: string[] = [];
  const providers = names.flatMap((name) => {
    if (!NAME.test(name)) {
      problems.push(`OIDC_PROVIDERS: "${name}" must have lower-case letters, digits and "-" only`);
      return [];
    }
    const prefix = `OIDC_${name.toUpperCase().replaceAll('-', '_')}_`;
    const given = Object.fromEntries(
      Object.keys(Provider.shape).map((key) => [key, environment[`${prefix}${key}`]]),
    );
    const { success, data, error } = Provider.safeParse(given);
    for (const { path, message } of error?.issues ?? []) {
      problems.push(`${prefix}${path.join('.')}: ${message}`);
    }
    const { CLIENT_SECRET: secret, CLIENT_SECRET_FILE: file } = given;
    if ((secret === undefined) === (file === undefined)) {
      problems.push(
        `${prefix}CLIENT_SECRET: is required, or ${prefix}CLIENT_SECRET_FILE, not both`,
      );
    }
    return success ? [toOptions(name, data)] : [];
  });
  return { providers, problems };
}

/** Whether a browser can be sent on to it: a query comes with `code` or `error`. */
export function isAppUrl(text: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\/[^?#@]+$/i.test(text) && URL.canParse(text);
}

function toOptions(name: string, data: z.infer<typeof Provider>): ProviderOptions {
  const { ISSUER, CLIENT_ID, CLIENT_SECRET = '', CLIENT_SECRET_FILE, LABEL } = data;
  return {
    name,
    label: LABEL ?? `${name.slice(0, 1).toUpperCase()}${name.slice(1)}`,
    issuer: ISSUER,
    clientId: CLIENT_ID,
    clientSecret: CLIENT_SECRET_FILE === undefined ? CLIENT_SECRET : { file: CLIENT_SECRET_FILE },
    scopes: data.SCOPES,
    responseMode: data.RESPONSE_MODE,
  };
}

function isIssuer(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname } = new URL(text);
  return protocol === 'https:' || (protocol === 'http:' && LOOPBACK.test(hostname));
}
