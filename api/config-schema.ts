/** Each variable that the program reads: its check, its default and what it means. The guide and .env.example are made of it. */
import { statSync } from 'node:fs';
import { z } from 'zod';
import { isAllowance } from '../adapters/webhook/index.ts';
import { isName } from '../engine/index.ts';
import {
  type Configuration,
  count,
  flag,
  limit,
  listOf,
  means,
} from '../features/contract/configuration.ts';
import { REGISTRATION_MODES } from '../identity/index.ts';
import { areAddresses, includesEverybody, readProxies } from './edge/proxies.ts';
import { features } from './loaded-features.ts';
import { isAppUrl } from './provider-config.ts';

/** A topic that is named: not everything that there is. */
const TOPIC_FILTER = /^[^+#/$][^+#/]*(?:\/(?:[^+#/]*|\+))*(?:\/#)?$/;

const port = (fallback: number) => z.coerce.number().int().min(1).max(65_535).default(fallback);
const name = z.string().regex(/^[^/+#\s]+$/, 'must not contain "/", "+", "#" or spaces');
const homeName = z.string().refine(isName, 'must be the id of a home, such as house or flat-2');

const store = {
  DATABASE_URL: means(
    'Where twins live: `sqlite:<path>` or `postgres://user:password@host:5432/database`.',
    z
      .string()
      .regex(/^(sqlite:|postgres(ql)?:\/\/)/, 'must begin with sqlite: or postgres://')
      .optional(),
    { unset: 'sqlite:{DATA_DIR}/homeostat.db' },
  ),
  DATA_DIR: means(
    'Folder of the SQLite file, of the generated administrator’s token and of the secret that signs access tokens.',
    z.string().default('./data'),
  ),
  KINDS_DIR: means(
    'Folder of kinds of your own, whose code runs in the server (docs/kinds.md).',
    z
      .string()
      .refine(isFolder, { error: ({ input }) => `there is no folder ${String(input)}` })
      .optional(),
    { unset: 'none', example: './kinds' },
  ),
  TAKEOVER_WAIT_SECONDS: means(
    'Seconds that a start waits for another engine on the same database to let go.',
    z.coerce.number().min(0).default(15),
  ),
  RETENTION_JOURNAL_DAYS: means('Days for which the journal is kept.', count(90)),
  RETENTION_ROLLUP_DAYS: means(
    'Days for which 5-minute values are kept. Hourly and daily values are kept for good.',
    count(400),
  ),
  RETENTION_ENDED_DAYS: means(
    'Days for which ended commands and cleared alerts are kept.',
    count(90),
  ),
  RETENTION_AUDIT_DAYS: means('Days for which the audit is kept.', count(400)),
  DEAD_LETTERS_PER_HOME: means(
    'Dead letters that a home keeps; the oldest go first.',
    count(1_000),
  ),
};

const broker = {
  MQTT_URL: means(
    'An MQTT 5 broker of your own (`mqtt://`, `mqtts://`, `ws://`, `wss://`; `user:password@` in the URL).',
    z
      .string()
      .regex(/^(mqtts?|wss?):\/\//, 'must begin with mqtt://, mqtts://, ws:// or wss://')
      .optional(),
    { unset: 'the embedded broker' },
  ),
  MQTT_CLIENT_ID: means(
    'Names the persistent session at your broker. Keep it, or messages that are queued there are lost.',
    z.string().min(1).max(64).default('homeostat'),
  ),
  MQTT_DYNAMIC_SECURITY: means(
    '`on`: Homeostat manages the accounts of your broker, a Mosquitto with the dynamic security plugin. Each device and gateway that gets a secret gets an account, and is cut off when the secret is revoked.',
    flag(false),
  ),
  MQTT_CA_FILE: means(
    'The certificate authority of your broker, in PEM, for `mqtts://`.',
    z.string().optional(),
    { unset: 'those that Node knows' },
  ),
  MQTT_CERT_FILE: means(
    'The certificate that your broker asks of Homeostat, in PEM.',
    z.string().optional(),
    { unset: 'none' },
  ),
  MQTT_KEY_FILE: means('The private key of that certificate, in PEM.', z.string().optional(), {
    unset: 'none',
  }),
  MQTT_PUBLIC_URL: means(
    'The broker as devices reach it; they are told it when they are claimed.',
    z
      .string()
      .regex(/^mqtts?:\/\//, 'must begin with mqtt:// or mqtts://')
      .optional(),
    { unset: 'as Homeostat reaches it', example: 'mqtts://broker.example.org:8883' },
  ),
  MQTT_HOST: means(
    'Where the embedded broker listens. `0.0.0.0` or `::` lets devices on other machines in; these always need secrets.',
    z.string().default('127.0.0.1'),
  ),
  MQTT_PORT: means(
    'The port of the embedded broker. If it is taken and not set here, the next free port is used, and the start says which.',
    port(1883),
  ),
  MQTT_ANONYMOUS: means(
    'Whether clients on this machine may come to the embedded broker without a secret, and then publish and hear everything. Turn it off where a proxy on this machine brings others in, or where not everybody on it is trusted.',
    flag(true),
  ),
  MQTT_TLS: means('TLS at the embedded broker.', flag(true).or(z.undefined()), {
    unset: 'on, if TLS_CERT_FILE is set',
  }),
  MQTT_CONNECTIONS: means('Clients of the embedded broker, in all.', count(10_000)),
  MQTT_CONNECTIONS_PER_ADDRESS: means(
    'Clients of the embedded broker from one address; from this machine itself only the limit of all counts.',
    count(100),
  ),
};

const devices = {
  PROVISIONING: means(
    'What becomes of devices that speak before they are known: `open` (a twin is made), `claim` (they are listed as candidates), `closed` (they are refused). A home may have its own way: `PUT /v1/homes/{home}/provisioning`.',
    z.enum(['open', 'claim', 'closed']).optional(),
    { unset: 'open while only this machine can speak to the embedded broker, else claim' },
  ),
  MQTT_ROOT: means('The first part of the native topics.', name.default('homeostat')),
  MQTT_TEMPLATES: means(
    'YAML file with topic templates of other devices (adapters/mqtt/codecs/templates.example.yaml).',
    z.string().optional(),
    { unset: 'none' },
  ),
  MQTT_MESSAGES: means(
    'Topics of others that the rules of a home may hear (trigger `mqtt`): `flat=weather/#, shop=weather/+/rain`. Below `{root}/{home}/messages/` each home hears without this.',
    z
      .string()
      .transform((text) =>
        listOf(text).map((entry) => {
          const at = entry.indexOf('=');
          return { home: entry.slice(0, Math.max(0, at)), filter: entry.slice(at + 1) };
        }),
      )
      .refine(
        (entries) => entries.every(({ home, filter }) => isName(home) && TOPIC_FILTER.test(filter)),
        'must be homes and topics, such as flat=weather/#, shop=weather/+/rain',
      )
      .default([]),
    { unset: 'none' },
  ),
  ZIGBEE2MQTT: means('Whether zigbee2mqtt is listened to.', flag(true)),
  ZIGBEE2MQTT_BASE: means(
    'The base topic of zigbee2mqtt.',
    z.string().min(1).default('zigbee2mqtt'),
  ),
  ZIGBEE2MQTT_HOME: means('The home that its devices belong to.', homeName.default('home')),
  HOMESYNC: means('Whether `homesync/{home}/nodes/{node}/…` is listened to.', flag(true)),
  DEMO: means('The demo home.', flag(true).or(z.undefined()), {
    unset: 'on, unless DATABASE_URL names PostgreSQL, or its devices would need secrets',
  }),
  TIMEZONE: means(
    'Timezone of homes that come into being with a first message.',
    z
      .string()
      .refine(isTimezone, 'must be an IANA timezone such as Europe/Berlin')
      .default(Intl.DateTimeFormat().resolvedOptions().timeZone),
    { unset: 'this machine’s', example: 'Europe/Berlin' },
  ),
};

const http = {
  HTTP_HOST: means('Where the API listens.', z.string().default('127.0.0.1')),
  HTTP_PORT: means('The port of the API.', port(3000)),
  TLS_CERT_FILE: means(
    'HTTPS in place of HTTP: a certificate with its chain, in PEM, which this process may read. A renewed file is noticed within a minute.',
    z.string().optional(),
    { unset: 'plain HTTP' },
  ),
  TLS_KEY_FILE: means('The private key of that certificate, in PEM.', z.string().optional(), {
    unset: 'none',
  }),
  TRUST_PROXY: means(
    'Proxies before the server whose word counts for where a request comes from: their addresses (`10.0.0.7`, `10.0.0.0/24`), or their number, where nobody reaches the port past them.',
    z
      .string()
      .transform(readProxies)
      .refine(
        (proxies) => !includesEverybody(proxies),
        'would believe everybody, and each client could choose the address that limits and audit see; name the proxies’ addresses, or their number',
      )
      .refine(
        (proxies) => includesEverybody(proxies) || areAddresses(proxies),
        'must be a number of proxies, or their addresses, such as 10.0.0.7 or 10.0.0.0/24',
      )
      .optional(),
    { unset: 'none: the limits count all that comes through a proxy as one address' },
  ),
  CORS_ORIGINS: means(
    'Origins of web pages that may ask, beside the server’s own, with spaces between: `https://app.example.org`.',
    z
      .string()
      .transform(listOf)
      .refine(
        (origins) => !origins.includes('*'),
        '"*" would let any web page ask with a token that it has got hold of; name the origins',
      )
      .refine(
        (origins) => origins.every((origin) => origin === '*' || isOrigin(origin)),
        'must be origins as browsers send them, such as https://app.example.org: no path, no "/" at the end',
      )
      .default([]),
    { unset: 'none' },
  ),
  PUBLIC_URL: means(
    'The address that people know the server by; it stands in tokens and letters.',
    z.url({ protocol: /^https?$/ }).optional(),
    { unset: 'where it listens', example: 'https://homeostat.example.org' },
  ),
  LIMIT_SIGN_IN_PER_MINUTE: means(
    'Requests a minute of one address (of IPv6: of one /64) that signs in or brings no valid token. 0: any number.',
    limit(30),
  ),
  LIMIT_REQUESTS_PER_MINUTE: means(
    'Requests a minute of one principal. 0: any number.',
    limit(1_200),
  ),
  LIMIT_HOOK_REQUESTS_PER_MINUTE: means(
    'Requests a minute to one webhook of a rule. 0: any number.',
    limit(120),
  ),
  LIMIT_HOME_REQUESTS_PER_MINUTE: means(
    'Requests a minute into one home, of everyone together. 0: any number.',
    limit(6_000),
  ),
};

const access = {
  ADMIN_TOKEN: means(
    'Bearer token of the administrator, 16 characters or more. Required when `NODE_ENV=production`.',
    z.string().min(16, 'must have at least 16 characters').optional(),
    { unset: 'one is made, shown once and kept in {DATA_DIR}/admin-token' },
  ),
  JWT_SECRET: means(
    'Signs the access tokens of people, 32 characters or more. Required when `NODE_ENV=production`. Several, with spaces between: the first signs, all verify. To change it, put a new one in front and take the old one away an hour later.',
    z
      .string()
      .transform(listOf)
      .refine((secrets) => secrets.length > 0, 'names no secret')
      .refine(
        (secrets) => secrets.every(({ length }) => length >= 32),
        'each secret must have at least 32 characters',
      )
      .optional(),
    { unset: 'one is made and kept in {DATA_DIR}/jwt-secret' },
  ),
  REGISTRATION: means(
    'Who may make an account: `open` (anybody), `invited` (who has been invited to a home), `closed` (nobody; the command line makes accounts).',
    z.enum(REGISTRATION_MODES).optional(),
    {
      unset:
        'open while only this machine reaches the server (HTTP_HOST is loopback, and there is no TRUST_PROXY), else invited',
    },
  ),
  API_KEY_DAYS: means(
    'Days after which an API key ends that was made without an end. 0: when it is revoked.',
    limit(90),
  ),
  APP_URLS: means(
    'Addresses of apps that browsers are sent on to after a sign-in with a provider, with spaces between.',
    z
      .string()
      .transform(listOf)
      .refine(
        (addresses) => addresses.every(isAppUrl),
        'each must be an address such as https://app.example.org/signed-in or myapp://signed-in, without "?", "#" and "@"',
      )
      .default([]),
    { unset: 'none', example: 'https://app.example.org/signed-in myapp://signed-in' },
  ),
  MAIL_URL: means(
    'Where letters (codes, invitations) are handed in: `smtp://user:password@host:587` or `smtps://…`.',
    z
      .string()
      .regex(/^smtps?:\/\//, 'must begin with smtp:// or smtps://')
      .optional(),
    { unset: 'they are written to the log, codes and all' },
  ),
  MAIL_FROM: means(
    'Who letters are from.',
    z.string().min(3).default('Homeostat <homeostat@localhost>'),
  ),
  WEBHOOK_ALLOW: means(
    'What webhooks of rules may reach although it is not public, for all homes: hosts, hosts with ports, addresses, networks.',
    z
      .string()
      .transform(listOf)
      .refine(
        (entries) => entries.every(isAllowance),
        'must be hosts, hosts with ports, addresses or networks, such as nas.local:8080 or 192.168.1.0/24',
      )
      .default([]),
    { unset: 'nothing', example: 'nas.local:8080 192.168.1.20' },
  ),
};

const quotas = {
  QUOTA_HOMES_PER_PERSON: means(
    'Homes that a person owns; who runs the platform owns any number. 0: any number.',
    limit(10),
  ),
  QUOTA_KEYS_PER_HOME: means('API keys of a home. 0: any number.', limit(50)),
  QUOTA_TWINS_PER_HOME: means(
    'Twins of a home; rules, scenes and rooms are twins, too. 0: any number.',
    limit(10_000),
  ),
  QUOTA_RULES_PER_HOME: means('Rules of a home, and their drafts. 0: any number.', limit(1_000)),
  QUOTA_DEVICES_PER_HOME: means(
    'Devices of a home with a secret of their own. 0: any number.',
    limit(5_000),
  ),
  QUOTA_JOURNAL_MB_PER_DAY: means(
    'Megabytes that a home may add to the journal in a day (UTC). Beyond them its telemetry is refused, beyond twice as many its devices’ events; critical alerts, commands, answers to them and what people do go on. 0: any number.',
    limit(4_000),
  ),
  QUOTA_EXEMPT_HOMES: means(
    'Ids of homes for which no quota of a home counts, with spaces between. Only the platform makes these.',
    z
      .string()
      .transform(listOf)
      .refine((homes) => homes.every(isName), 'must be ids of homes, such as plant, lab')
      .default([]),
    { unset: 'none', example: 'plant lab' },
  ),
};

const running = {
  NODE_ENV: means(
    '`production` requires ADMIN_TOKEN and JWT_SECRET.',
    z.string().default('development'),
  ),
  LOG_LEVEL: means(
    '`fatal`, `error`, `warn`, `info`, `debug`, `trace` or `silent`.',
    z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
  ),
  LIMIT_MAILBOX: means('Events that may wait in a shard.', count(20_000)),
  LIMIT_BATCH: means('Events that one commit holds.', count(2_000)),
  LIMIT_HOT_TWINS: means('Twins in memory.', count(50_000)),
  LIMIT_TELEMETRY_BUDGET: means(
    'Telemetry of one twin that may wait before it is folded into one row.',
    count(1_000),
  ),
};

/** The variables by what they are about, in the order of the guide. */
export const GROUPS: readonly Configuration[] = [
  { title: 'Store', variables: store },
  { title: 'Broker', variables: broker },
  { title: 'Devices and their dialects', variables: devices },
  { title: 'HTTP', variables: http },
  { title: 'People and access', variables: access },
  { title: 'Quotas', variables: quotas },
  ...features.flatMap(({ configuration }) => configuration ?? []),
  { title: 'Running', variables: running },
];

const core = { ...store, ...broker, ...devices, ...http, ...access, ...quotas, ...running };
/** All of them; those of features are read by `valuesOf`. */
export const Environment = z.object({
  ...(Object.assign({}, ...GROUPS.map(({ variables }) => variables)) as typeof core),
});

export function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** Apps in a web view have schemes of their own: `capacitor://localhost`. */
function isOrigin(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, host } = new URL(text);
  return host !== '' && !host.includes('*') && `${protocol}//${host}` === text;
}

function isTimezone(text: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: text });
    return true;
  } catch {
    // RangeError is how Intl says that it does not know the name
    return false;
  }
}
