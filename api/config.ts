/** The only place that reads the environment. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';

/** Everything that can be set from outside, checked. */
export interface Config {
  databaseUrl: string;
  dataDir: string;
  mqtt: MqttConfig;
  http: { host: string; port: number };
  demo: boolean;
  /** Null: make one and keep it in the data folder. */
  adminToken: string | null;
  provisioning: 'open' | 'claim' | 'closed';
  timezone: string;
  /** How long a start waits for a former owner of the homes, s. */
  takeoverWaitSeconds: number;
  logLevel: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';
  retention: { journal: number; rollups: number; ended: number };
  deadLettersPerHome: number;
  limits: { mailbox: number; batch: number; hotTwins: number; telemetryBudget: number };
}

export interface MqttConfig {
  root: string;
  broker:
    | { url: string; clientId: string }
    /** `portFixed`: fail rather than take the next free port. */
    | { host: string; port: number; portFixed: boolean };
  zigbee2mqtt: { base: string; home: string } | null;
  homesync: boolean;
  templatesFile: string | null;
}

/** What is wrong with the configuration: all of it at once. */
export class ConfigError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`The configuration cannot be used:\n${problems.map((p) => `  - ${p}`).join('\n')}`);
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

const flag = (fallback: boolean) =>
  z
    .enum(['on', 'off', 'true', 'false', '1', '0'])
    .transform((text) => text === 'on' || text === 'true' || text === '1')
    .default(fallback);
const port = (fallback: number) => z.coerce.number().int().min(1).max(65_535).default(fallback);
const count = (fallback: number) => z.coerce.number().int().min(1).default(fallback);
const name = z.string().regex(/^[^/+#\s]+$/, 'must not contain "/", "+", "#" or spaces');

const Environment = z.object({
  DATABASE_URL: z
    .string()
    .regex(/^(sqlite:|postgres(ql)?:\/\/)/, 'must begin with sqlite: or postgres://')
    .optional(),
  DATA_DIR: z.string().default('./data'),
  MQTT_URL: z
    .string()
    .regex(/^(mqtts?|wss?):\/\//, 'must begin with mqtt://, mqtts://, ws:// or wss://')
    .optional(),
  MQTT_CLIENT_ID: z.string().min(1).max(64).default('homeostat'),
  MQTT_HOST: z.string().default('127.0.0.1'),
  MQTT_PORT: port(1883),
  MQTT_ROOT: name.default('homeostat'),
  MQTT_TEMPLATES: z.string().optional(),
  ZIGBEE2MQTT: flag(true),
  ZIGBEE2MQTT_BASE: z.string().min(1).default('zigbee2mqtt'),
  ZIGBEE2MQTT_HOME: name.default('home'),
  HOMESYNC: flag(true),
  HTTP_HOST: z.string().default('127.0.0.1'),
  HTTP_PORT: port(3000),
  DEMO: flag(true).or(z.undefined()),
  ADMIN_TOKEN: z.string().min(16, 'must have at least 16 characters').optional(),
  PROVISIONING: z.enum(['open', 'claim', 'closed']).optional(),
  TIMEZONE: z
    .string()
    .refine(isTimezone, 'must be an IANA timezone such as Europe/Berlin')
    .default(Intl.DateTimeFormat().resolvedOptions().timeZone),
  TAKEOVER_WAIT_SECONDS: z.coerce.number().min(0).default(15),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
  NODE_ENV: z.string().default('development'),
  RETENTION_JOURNAL_DAYS: count(90),
  RETENTION_ROLLUP_DAYS: count(400),
  RETENTION_ENDED_DAYS: count(90),
  DEAD_LETTERS_PER_HOME: count(1_000),
  LIMIT_MAILBOX: count(20_000),
  LIMIT_BATCH: count(2_000),
  LIMIT_HOT_TWINS: count(50_000),
  LIMIT_TELEMETRY_BUDGET: count(1_000),
});

const LOOPBACK = /^(127\.|localhost$|::1$)/;

/**
 * Reads and checks the configuration.
 * @throws ConfigError with every problem, each naming its variable
 */
export function readConfig(environment: NodeJS.ProcessEnv = process.env): Config {
  // An empty variable is one that is not set: `VAR= npm start` means the default
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const parsed = Environment.safeParse(given);
  const problems = parsed.success
    ? []
    : parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  if (given.NODE_ENV === 'production' && given.ADMIN_TOKEN === undefined) {
    problems.push('ADMIN_TOKEN: is required when NODE_ENV=production');
  }
  if (given.MQTT_URL === undefined && !LOOPBACK.test(given.MQTT_HOST ?? '127.0.0.1')) {
    problems.push(
      'MQTT_HOST: the embedded broker knows no passwords, so it listens on loopback only; for devices on other machines run a broker and set MQTT_URL',
    );
  }
  if (problems.length > 0 || !parsed.success) throw new ConfigError(problems);
  const env = parsed.data;
  const dataDir = env.DATA_DIR;
  const embedded = env.MQTT_URL === undefined;
  const isPostgres = env.DATABASE_URL?.startsWith('postgres') ?? false;
  return {
    databaseUrl: env.DATABASE_URL ?? `sqlite:${dataDir}/homeostat.db`,
    dataDir,
    mqtt: {
      root: env.MQTT_ROOT,
      broker:
        env.MQTT_URL === undefined
          ? {
              host: env.MQTT_HOST,
              port: env.MQTT_PORT,
              portFixed: given.MQTT_PORT !== undefined,
            }
          : { url: env.MQTT_URL, clientId: env.MQTT_CLIENT_ID },
      zigbee2mqtt: env.ZIGBEE2MQTT
        ? { base: env.ZIGBEE2MQTT_BASE, home: env.ZIGBEE2MQTT_HOME }
        : null,
      homesync: env.HOMESYNC,
      templatesFile: env.MQTT_TEMPLATES ?? null,
    },
    http: { host: env.HTTP_HOST, port: env.HTTP_PORT },
    demo: given.DEMO === undefined ? embedded && !isPostgres : env.DEMO === true,
    adminToken: env.ADMIN_TOKEN ?? null,
    provisioning: env.PROVISIONING ?? (embedded ? 'open' : 'claim'),
    timezone: env.TIMEZONE,
    takeoverWaitSeconds: env.TAKEOVER_WAIT_SECONDS,
    logLevel: env.LOG_LEVEL,
    retention: {
      journal: env.RETENTION_JOURNAL_DAYS,
      rollups: env.RETENTION_ROLLUP_DAYS,
      ended: env.RETENTION_ENDED_DAYS,
    },
    deadLettersPerHome: env.DEAD_LETTERS_PER_HOME,
    limits: {
      mailbox: env.LIMIT_MAILBOX,
      batch: env.LIMIT_BATCH,
      hotTwins: env.LIMIT_HOT_TWINS,
      telemetryBudget: env.LIMIT_TELEMETRY_BUDGET,
    },
  };
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

/** The package's version, from the package.json above this file (in source and in dist). */
export function readVersion(): string {
  for (const up of ['../package.json', '../../package.json']) {
    try {
      const text = readFileSync(new URL(up, import.meta.url), 'utf8');
      return String((JSON.parse(text) as { version: unknown }).version);
    } catch {
      // Not there: one level further up, where dist/ hangs below the package
    }
  }
  return 'unknown';
}
