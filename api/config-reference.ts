/** The configuration as people read it: a page of the guide, and a file to start from. Both are made of the schema. */
import type { z } from 'zod';
import { GROUPS } from './config-schema.ts';

interface Variable {
  name: string;
  description: string;
  /** What counts where it is not set. */
  unset: string;
  /** Whether that is in words, not a value. */
  isWords: boolean;
  /** A value to start from. */
  example: string;
}

const WIDTH = 110;

/** `docs/configuration.md` */
export function configurationPage(): string {
  const groups = GROUPS.map(({ title, variables }) =>
    [
      `## ${title}`,
      '',
      '| variable | default | what |',
      '| --- | --- | --- |',
      ...variablesOf(variables).map(
        ({ name, unset, isWords, description }) =>
          `| \`${name}\` | ${isWords ? unset : `\`${unset}\``} | ${cell(description)} |`,
      ),
    ].join('\n'),
  );
  return `${[HEAD, ...groups, OIDC].join('\n\n')}\n`;
}

/** `.env.example` */
export function environmentFile(): string {
  const groups = GROUPS.map(({ title, variables }) =>
    [
      `# ── ${title}`,
      ...variablesOf(variables).flatMap(({ name, description, unset, example }) => [
        ...wrapped(isSaid(unset, example) ? description : `${description} Not set: ${unset}.`),
        `#${name}=${example}`,
      ]),
    ].join('\n'),
  );
  return `${[ENV_HEAD, ...groups, ENV_OIDC, ENV_COMPOSE].join('\n\n')}\n`;
}

function variablesOf(variables: Readonly<Record<string, z.ZodType>>): Variable[] {
  return Object.entries(variables).map(([name, schema]) => {
    const { description = '', unset, example } = schema.meta() ?? {};
    const value = textOf(schema.safeParse(undefined).data);
    return {
      name,
      description,
      unset: typeof unset === 'string' ? unset : value,
      isWords: typeof unset === 'string',
      example: typeof example === 'string' ? example : typeof unset === 'string' ? '' : value,
    };
  });
}

function textOf(value: unknown): string {
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  return String(value ?? '');
}

/** The value beside it says it already. */
function isSaid(unset: string, example: string): boolean {
  return unset === example;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

function wrapped(text: string): string[] {
  const lines: string[] = [];
  let line = '#';
  for (const word of text.replaceAll('`', '').split(' ')) {
    if (line.length + word.length + 1 > WIDTH) {
      lines.push(line);
      line = '#';
    }
    line += ` ${word}`;
  }
  return [...lines, line];
}

const HEAD = `# Configuration

Environment variables, all of which are here. \`npx homeostat configuration\` prints this page for the version that you have,
\`npx homeostat configuration --env\` a file to start from ([.env.example](../.env.example)). A wrong value is refused at the start, all
of them at once. An empty variable is one that is not set. Commands that work
at a server (\`npx homeostat rules …\`, \`kit …\`) read \`HOMEOSTAT_URL\` (http://127.0.0.1:3000) and \`HOMEOSTAT_TOKEN\`. \`npm start\` does not read \`.env\` by itself; docker compose does.`;

const OIDC = `## Sign-in with providers

\`OIDC_PROVIDERS\` names them, and for each there are \`OIDC_{NAME}_…\`: [people and access](people-and-access.md#sign-in-with-google-apple-amazon).`;

const ENV_HEAD = `# Every variable that Homeostat reads, with its default or an example. Copy to .env for docker compose, or export what you
# need. A wrong value is refused at the start, all of them at once. Made by: npx homeostat configuration --env`;

const ENV_OIDC = `# ── Sign-in with providers
# By OpenID Connect: names of your choice, and for each OIDC_{NAME}_…; a "-" in a name is a "_" there. Needs PUBLIC_URL and
# APP_URLS: register {PUBLIC_URL}/v1/auth/providers/{name}/callback at the provider
#OIDC_PROVIDERS=google
#OIDC_GOOGLE_ISSUER=https://accounts.google.com
#OIDC_GOOGLE_CLIENT_ID=
# Or, in place of the secret, a file that is read at each use: OIDC_GOOGLE_CLIENT_SECRET_FILE
#OIDC_GOOGLE_CLIENT_SECRET=
# What people read. Not set: the name
#OIDC_GOOGLE_LABEL=Google
#OIDC_GOOGLE_SCOPES=openid email profile
# How browsers bring the answer: query, or form_post, which Apple wants
#OIDC_GOOGLE_RESPONSE_MODE=query`;

const ENV_COMPOSE = `# ── Only for docker compose
# The passwords become parts of URLs: letters and digits, as of "openssl rand -hex 24". ADMIN_TOKEN and JWT_SECRET
# above are required there too
#POSTGRES_PASSWORD=
#MQTT_PASSWORD=
# Makes the broker's user "zigbee2mqtt"
#ZIGBEE2MQTT_PASSWORD=
# Addresses of this machine that the ports 3000 and 1883 are published on
#HTTP_LISTEN=127.0.0.1
#MQTT_LISTEN=127.0.0.1`;
