/** The only place that reads the environment. */

import { readFileSync } from 'node:fs';
import type { z } from 'zod';
import { messageOf } from '../engine/index.ts';
import {
  flag,
  listOf,
  type Values,
  type Variables,
  valuesOf,
} from '../features/contract/configuration.ts';
import type { IdentityQuotas, ProviderOptions, RegistrationMode } from '../identity/index.ts';
import { ConfigError } from './config-error.ts';
import { Environment, isFolder } from './config-schema.ts';
import { CertificateError, type CertificateFiles, readPair } from './edge/certificate.ts';
import type { LimitOptions } from './edge/limits.ts';
import type { TrustedProxies } from './edge/proxies.ts';
import { features } from './loaded-features.ts';
import { readProviders } from './provider-config.ts';

/** Everything that can be set from outside, checked. */
export interface Config {
  databaseUrl: string;
  dataDir: string;
  /** Folder of kinds of the operator's own. Null: none. */
  kindsDir: string | null;
  mqtt: MqttConfig;
  http: {
    host: string;
    port: number;
    /** The origins of other web pages that may use the API. */
    origins: string[];
    /** Null: none. */
    trustedProxies: TrustedProxies | null;
    limits: LimitOptions;
  };
  /** Null: HTTP without TLS. */
  tls: CertificateFiles | null;
  demo: boolean;
  /** Null: make one and keep it in the data folder. */
  adminToken: string | null;
  /** The first signs, all verify. Null: make one and keep it in the data folder. */
  jwtSecrets: string[] | null;
  /** The address that people know the server by. Null: that on which it listens. */
  publicUrl: string | null;
  /** The providers at which people sign in, and the apps that browsers are sent on to. */
  signIn: { providers: ProviderOptions[]; appUrls: string[] };
  /** Who may make an account. */
  registration: RegistrationMode;
  /** The most that one may have of each; 0: no limit. */
  quotas: IdentityQuotas & {
    twinsPerHome: number;
    rulesPerHome: number;
    journalBytesPerDay: number;
    /** Homes for which none of those of a home counts. Only the platform makes these. */
    exempt: string[];
  };
  /** Days after which an API key ends that was made without an end. 0: when it is revoked. */
  apiKeyDays: number;
  /** Null: letters are printed. */
  mail: { url: string | null; from: string };
  /** What webhooks of rules may reach although it is not public. */
  webhookAllow: string[];
  provisioning: 'open' | 'claim' | 'closed';
  timezone: string;
  /** How long a start waits for a former owner of the homes, s. */
  takeoverWaitSeconds: number;
  /** What the variables of each feature say, by its name. */
  features: Readonly<Record<string, Values<Variables>>>;
  logLevel: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';
  retention: { journal: number; rollups: number; ended: number; audit: number };
  deadLettersPerHome: number;
  limits: { mailbox: number; batch: number; hotTwins: number; telemetryBudget: number };
}

export interface MqttConfig {
  root: string;
  broker:
    | {
        url: string;
        clientId: string;
        /** Whether we manage the accounts of its dynamic security plugin. */
        managesAccounts: boolean;
        tls: { ca?: Buffer; cert?: Buffer; key?: Buffer };
      }
    /** `portFixed`: fail rather than take the next free port. */
    | {
        host: string;
        port: number;
        portFixed: boolean;
        anonymous: boolean;
        tls: boolean;
        limits: { all: number; perAddress: number };
      };
  /** The broker as devices reach it. Null: as we do. */
  publicUrl: string | null;
  zigbee2mqtt: { base: string; home: string } | null;
  homesync: boolean;
  /** Topics of others that the rules of a home may hear. */
  messages: { home: string; filter: string }[];
  templatesFile: string | null;
}

const LOOPBACK = /^(127\.|localhost$|::1$)/;

/**
 * Reads and checks the configuration.
 * @param above what counts in place of the environment’s: the command line sets it
 * @throws ConfigError with every problem, each naming its variable
 */
export function readConfig(
  environment: NodeJS.ProcessEnv = process.env,
  above: NodeJS.ProcessEnv = {},
): Config {
  // An empty variable is one that is not set: `VAR= npm start` means the default
  const all = Object.entries({ ...environment, ...above });
  const given = Object.fromEntries(all.filter(([, value]) => value !== ''));
  const parsed = Environment.safeParse(given);
  const problems = parsed.success
    ? []
    : parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  if (given.NODE_ENV === 'production' && given.ADMIN_TOKEN === undefined) {
    problems.push('ADMIN_TOKEN: is required when NODE_ENV=production');
  }
  if (given.NODE_ENV === 'production' && given.JWT_SECRET === undefined) {
    problems.push('JWT_SECRET: is required when NODE_ENV=production');
  }
  const { providers, problems: flaws } = readProviders(listOf(given.OIDC_PROVIDERS ?? ''), given);
  problems.push(...flaws);
  for (const needed of ['PUBLIC_URL', 'APP_URLS'] as const) {
    if (given.OIDC_PROVIDERS !== undefined && given[needed] === undefined) {
      problems.push(`${needed}: is required when OIDC_PROVIDERS is set`);
    }
  }
  problems.push(...flawsOfTls(given.TLS_CERT_FILE, given.TLS_KEY_FILE));
  if (flag(false).safeParse(given.MQTT_TLS).data === true && given.TLS_CERT_FILE === undefined) {
    problems.push('MQTT_TLS: needs TLS_CERT_FILE and TLS_KEY_FILE');
  }
  const { files, problems: unreadable } = readFiles(given, {
    ca: 'MQTT_CA_FILE',
    cert: 'MQTT_CERT_FILE',
    key: 'MQTT_KEY_FILE',
  });
  problems.push(...unreadable);
  if (problems.length > 0 || !parsed.success) throw new ConfigError(problems);
  const env = parsed.data;
  const dataDir = env.DATA_DIR;
  const embedded = env.MQTT_URL === undefined;
  const isLocal = embedded && LOOPBACK.test(env.MQTT_HOST);
  const isEncrypted = env.TLS_CERT_FILE !== undefined && env.MQTT_TLS !== false;
  const isOpen = isLocal && env.MQTT_ANONYMOUS && !isEncrypted;
  const isPostgres = env.DATABASE_URL?.startsWith('postgres') ?? false;
  return {
    databaseUrl: env.DATABASE_URL ?? `sqlite:${dataDir}/homeostat.db`,
    dataDir,
    kindsDir: env.KINDS_DIR ?? null,
    mqtt: {
      root: env.MQTT_ROOT,
      broker:
        env.MQTT_URL === undefined
          ? {
              host: env.MQTT_HOST,
              port: env.MQTT_PORT,
              portFixed: given.MQTT_PORT !== undefined,
              anonymous: isLocal && env.MQTT_ANONYMOUS,
              tls: isEncrypted,
              limits: { all: env.MQTT_CONNECTIONS, perAddress: env.MQTT_CONNECTIONS_PER_ADDRESS },
            }
          : {
              url: env.MQTT_URL,
              clientId: env.MQTT_CLIENT_ID,
              managesAccounts: env.MQTT_DYNAMIC_SECURITY,
              tls: files,
            },
      publicUrl: env.MQTT_PUBLIC_URL ?? null,
      zigbee2mqtt: env.ZIGBEE2MQTT
        ? { base: env.ZIGBEE2MQTT_BASE, home: env.ZIGBEE2MQTT_HOME }
        : null,
      homesync: env.HOMESYNC,
      messages: env.MQTT_MESSAGES,
      templatesFile: env.MQTT_TEMPLATES ?? null,
    },
    http: {
      host: env.HTTP_HOST,
      port: env.HTTP_PORT,
      origins: env.CORS_ORIGINS,
      trustedProxies: env.TRUST_PROXY ?? null,
      limits: {
        signIn: env.LIMIT_SIGN_IN_PER_MINUTE,
        requests: env.LIMIT_REQUESTS_PER_MINUTE,
        hookRequests: env.LIMIT_HOOK_REQUESTS_PER_MINUTE,
        homeRequests: env.LIMIT_HOME_REQUESTS_PER_MINUTE,
      },
    },
    tls:
      env.TLS_CERT_FILE === undefined || env.TLS_KEY_FILE === undefined
        ? null
        : { certFile: env.TLS_CERT_FILE, keyFile: env.TLS_KEY_FILE },
    // Its devices come without secrets, from this machine
    demo: given.DEMO === undefined ? isOpen && !isPostgres : env.DEMO === true,
    adminToken: env.ADMIN_TOKEN ?? null,
    jwtSecrets: env.JWT_SECRET ?? null,
    publicUrl: env.PUBLIC_URL ?? null,
    signIn: { providers, appUrls: env.APP_URLS },
    registration: env.REGISTRATION ?? (isForThisMachine(env) ? 'open' : 'invited'),
    quotas: {
      homesPerPerson: env.QUOTA_HOMES_PER_PERSON,
      keysPerHome: env.QUOTA_KEYS_PER_HOME,
      twinsPerHome: env.QUOTA_TWINS_PER_HOME,
      rulesPerHome: env.QUOTA_RULES_PER_HOME,
      devicesPerHome: env.QUOTA_DEVICES_PER_HOME,
      journalBytesPerDay: env.QUOTA_JOURNAL_MB_PER_DAY * 1_000_000,
      exempt: env.QUOTA_EXEMPT_HOMES,
    },
    apiKeyDays: env.API_KEY_DAYS,
    mail: { url: env.MAIL_URL ?? null, from: env.MAIL_FROM },
    webhookAllow: env.WEBHOOK_ALLOW,
    provisioning: env.PROVISIONING ?? (isLocal && env.MQTT_ANONYMOUS ? 'open' : 'claim'),
    timezone: env.TIMEZONE,
    takeoverWaitSeconds: env.TAKEOVER_WAIT_SECONDS,
    features: Object.fromEntries(
      features.flatMap(({ name, configuration }) =>
        configuration ? [[name, valuesOf(configuration, env)]] : [],
      ),
    ),
    logLevel: env.LOG_LEVEL,
    retention: {
      journal: env.RETENTION_JOURNAL_DAYS,
      rollups: env.RETENTION_ROLLUP_DAYS,
      ended: env.RETENTION_ENDED_DAYS,
      audit: env.RETENTION_AUDIT_DAYS,
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

/**
 * `KINDS_DIR` alone, for commands that need nothing else. Null: none.
 * @throws ConfigError
 */
export function readKindsDir({ KINDS_DIR }: NodeJS.ProcessEnv = process.env): string | null {
  if (KINDS_DIR === undefined || KINDS_DIR === '') return null;
  if (!isFolder(KINDS_DIR)) throw new ConfigError([`KINDS_DIR: there is no folder ${KINDS_DIR}`]);
  return KINDS_DIR;
}

/** Nobody else reaches it, not by a proxy either. */
function isForThisMachine({ HTTP_HOST, TRUST_PROXY }: z.infer<typeof Environment>): boolean {
  return LOOPBACK.test(HTTP_HOST) && TRUST_PROXY === undefined;
}

/** Tells it at the start, when somebody looks; of a renewal only the log tells. */
function flawsOfTls(certFile: string | undefined, keyFile: string | undefined): readonly string[] {
  if (certFile === undefined && keyFile === undefined) return [];
  if (certFile === undefined) return ['TLS_CERT_FILE: is required beside TLS_KEY_FILE'];
  if (keyFile === undefined) return ['TLS_KEY_FILE: is required beside TLS_CERT_FILE'];
  try {
    readPair({ certFile, keyFile });
    return [];
  } catch (error) {
    if (error instanceof CertificateError) return error.flaws;
    throw error;
  }
}

/** What the named variables point to. */
function readFiles<K extends string>(
  given: NodeJS.ProcessEnv,
  variables: Record<K, string>,
): { files: { [key in K]?: Buffer }; problems: string[] } {
  const files: { [key in K]?: Buffer } = {};
  const problems: string[] = [];
  for (const [key, variable] of Object.entries(variables) as [K, string][]) {
    const path = given[variable];
    if (path === undefined) continue;
    try {
      files[key] = readFileSync(path);
    } catch (error) {
      problems.push(`${variable}: ${messageOf(error)}`);
    }
  }
  return { files, problems };
}
