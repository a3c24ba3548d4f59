/** The composition root: the only place that knows every part. */

import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import type { Logger } from 'pino';
import { type MqttAdapter, startMqtt } from '../adapters/mqtt/index.ts';
import { startWebhooks } from '../adapters/webhook/index.ts';
import {
  type Clock,
  createEngine,
  type Engine,
  EngineTelemetry,
  type HomeQuotas,
  openStorage,
  programFile,
  systemClock,
} from '../engine/index.ts';
import {
  type AnnounceSecret,
  createMailer,
  Identity,
  IdentityError,
  type IdentityOptions,
  openIdentityDatabase,
  type ProviderSettings,
} from '../identity/index.ts';
import { authenticatorOf } from './access/mqtt-authenticator.ts';
import { permissions } from './access/permissions.ts';
import { reachableUrl } from './broker-url.ts';
import type { Config } from './config.ts';
import { startDemo } from './demo.ts';
import { type Certificate, openCertificate } from './edge/certificate.ts';
import { type KeptSecret, keptSecret } from './kept-secret.ts';
import { type LoadedKinds, loadKinds } from './kinds/load-kinds.ts';
import { features, projections } from './loaded-features.ts';
import { logMqtt, logTelemetry, logUnsent } from './logging.ts';
import { countFrom } from './metrics.ts';
import { ReleaseStack } from './release-stack.ts';
import { deletesWith, existenceIn } from './removal.ts';
import { reservedHomes } from './reserved-homes.ts';
import { callbackOf } from './routes/account/providers.ts';
import { buildServer } from './server.ts';
import {
  beginFeatures,
  destinationsWith,
  NOT_BEGUN,
  type StartedFeature,
  startFeatures,
} from './start-features.ts';
import { applyThreadLimits } from './thread-memory.ts';
import { upkeep } from './upkeep.ts';
import { readVersion } from './version.ts';

const FIRST_CONNECTION_MS = 5_000;

/** A running Homeostat. Disposing drains and stops it. */
export interface Homeostat extends AsyncDisposable {
  engine: Engine;
  mqtt: MqttAdapter;
  httpUrl: string;
  token: KeptSecret;
}

/** Where the program meets the world outside. The torture (bench/torture) puts doors there that break. */
export interface Doors {
  openStorage: typeof openStorage;
  startMqtt: typeof startMqtt;
  clock: Clock;
}

const REAL_DOORS: Doors = { openStorage, startMqtt, clock: systemClock };

/**
 * Starts everything that the configuration names, in the order in which it is needed: store, engine,
 * HTTP (so that its health can be asked for), MQTT, demo. What has started is stopped again, in
 * reverse, when a later part fails.
 * @param onOwnershipLost called once when another engine has taken over; the process should end
 */
export async function startHomeostat(
  config: Config,
  logger: Logger,
  onOwnershipLost: () => void,
  doors: Doors = REAL_DOORS,
): Promise<Homeostat> {
  applyThreadLimits();
  const stack = new ReleaseStack();
  try {
    return await startParts(config, logger, stack, onOwnershipLost, doors);
  } catch (error) {
    await stack[Symbol.asyncDispose]();
    throw error;
  }
}

async function startParts(
  config: Config,
  logger: Logger,
  stack: ReleaseStack,
  onOwnershipLost: () => void,
  doors: Doors,
): Promise<Homeostat> {
  // First, as it may refuse, and nothing is to be touched then
  const kinds = await loadKinds(config.kindsDir);
  logKinds(kinds, logger);
  const isReserved = await reservedHomes(config);
  const exempt = new Set(config.quotas.exempt);
  const isExempt = (home: string) => exempt.has(home);
  const token = keptSecret(config.adminToken, config.dataDir, 'admin-token');
  const telemetry = new EngineTelemetry();
  logTelemetry(telemetry, logger);
  const counts = countFrom(telemetry);
  telemetry.subscribe((name) => {
    if (name === 'ownership.lost') onOwnershipLost();
  });
  let identity: Identity | null = null;
  const storage = stack.use(
    await doors.openStorage(
      config.databaseUrl,
      { deadLettersPerHome: config.deadLettersPerHome },
      (migration) =>
        logger.info({ migration }, 'the database is brought up to date; this may take a while'),
    ),
  );
  let begun = NOT_BEGUN;
  const engine = stack.use(
    await createEngine({
      begin: async () => {
        const start = { id: randomUUID(), now: doors.clock.now() };
        begun = await beginFeatures(features, {
          ...{ ...start, storage, configuration: config.features },
        });
        const { holdBack, end } = begun;
        const unsaid = (error: unknown) =>
          logger.warn({ err: error }, 'that this start ends as it should was not stored');
        return { holdBack, end: () => end().catch(unsaid) };
      },
      storage,
      kinds: kinds.all,
      telemetry,
      clock: doors.clock,
      newId: randomUUID,
      defaultTimezone: config.timezone,
      owner: `${hostname()} pid ${process.pid}`,
      takeoverWaitMs: config.takeoverWaitSeconds * 1_000,
      destinations: destinationsWith(features, {
        ...{ command: 'mqtt', desired: 'mqtt', webhook: 'webhook' },
      }),
      retention: config.retention,
      projections,
      limits: config.limits,
      quotas: quotasOf(config, isExempt),
      deletes: deletesWith(() => identity),
    }),
  );
  const held = [...begun.because].map(([feature, reason]) => `${feature} are held back: ${reason}`);
  for (const warning of held) logger.warn(warning);
  let mqtt: MqttAdapter | null = null;
  const announce: AnnounceSecret = async (account, secret) => {
    if (!managesAccounts(config)) return;
    if (!mqtt) throw new IdentityError('unavailable', 'the broker is not connected yet');
    await mqtt.announce(account, secret).catch((error: unknown) => {
      logger.warn({ err: error }, 'the broker was not told of a secret, so it was not made');
      throw new IdentityError('unavailable', 'the MQTT broker cannot be told of the secret now');
    });
  };
  identity = await openIdentity(config, logger, stack, {
    existence: existenceIn(engine),
    isExempt,
    bootstrapToken: token.secret,
    clock: doors.clock,
    announce,
  });
  stack.use(
    startWebhooks({
      engine,
      allow: config.webhookAllow,
      secretOf: (home, name) => identity.secrets.open(home, name),
    }),
  );
  const started = await startFeatures(
    features,
    {
      ...{ engine, begun, access: identity, log: logger, newId: randomUUID },
      ...{ databaseUrl: config.databaseUrl, configuration: config.features },
      admission: config.provisioning,
      broker: {
        url: () => config.mqtt.publicUrl ?? (mqtt && reachableUrl(mqtt.url, config.publicUrl)),
        root: config.mqtt.root,
      },
      thread: { file: programFile('api/rule-thread'), kindsDir: config.kindsDir },
    },
    stack,
  );
  tidyRegularly(config, identity, started, doors.clock, logger, stack);
  const certificate = openTls(config, logger, stack, doors.clock);
  const server = await buildServer({
    engine,
    counts,
    identity,
    features: started,
    secret: token.secret,
    edge: { ...config.http, certificate, publicUrl: config.publicUrl },
    version: readVersion(),
    customKinds: new Set(kinds.custom.map(({ kind }) => kind.kind)),
    isReserved,
    apiKeyDays: config.apiKeyDays,
    defaultTimezone: config.timezone,
    logger,
    readiness: () => ({
      ready: mqtt?.connected() ?? false,
      problems: mqtt?.connected() ? [] : ['the MQTT broker cannot be reached'],
      warnings: held,
    }),
  });
  stack.defer(() => server.close());
  const httpUrl = await server.listen({ host: config.http.host, port: config.http.port });
  mqtt = stack.use(
    await doors.startMqtt({
      ...mqttOptions(config, identity, certificate),
      engine,
      signal: logMqtt(logger),
    }),
  );
  // Who is told that it runs may publish at once. A broker that is away does not hold up the start
  await Promise.race([mqtt.whenConnected(), setTimeout(FIRST_CONNECTION_MS, null, { ref: false })]);
  goOn(started, logger, stack);
  if (config.demo) {
    stack.use(await startDemo(engine, mqtt.url, config.mqtt.root));
  }
  return {
    engine,
    mqtt,
    httpUrl,
    token,
    [Symbol.asyncDispose]: () => stack[Symbol.asyncDispose](),
  };
}

/** What features do once all doors are open goes on beside everything else. */
function goOn(started: readonly StartedFeature[], logger: Logger, stack: ReleaseStack): void {
  const stopping = new AbortController();
  const running = started.map(({ name, running: run }) =>
    run(stopping.signal).catch((error: unknown) =>
      logger.error({ err: error, feature: name }, 'what a feature does after a start has failed'),
    ),
  );
  stack.defer(async () => {
    stopping.abort();
    await Promise.all(running);
  });
}

/** Removes what is of no use any more, now and several times a day. */
function tidyRegularly(
  { retention }: Config,
  identity: Identity,
  started: readonly StartedFeature[],
  clock: Clock,
  logger: Logger,
  stack: ReleaseStack,
): void {
  const works = [
    () => identity.homes.tidy(),
    () => identity.tidy(retention.audit),
    ...started.map(({ tidy }) => tidy),
  ];
  const tidying = upkeep(clock, works, (error) =>
    logger.warn({ err: error }, 'something that is of no use any more was not removed'),
  );
  stack.defer(async () => tidying[Symbol.dispose]());
}

function quotasOf({ quotas }: Config, isExempt: HomeQuotas['isExempt']): HomeQuotas {
  const { twinsPerHome: twins, rulesPerHome, journalBytesPerDay: journalBytes } = quotas;
  const ofKinds = [{ quota: 'rules', kind: 'rule', limit: rulesPerHome }];
  return { twins, ofKinds, journalBytes, isExempt };
}

function logKinds({ custom, warnings }: LoadedKinds, logger: Logger): void {
  for (const { kind, file } of custom) {
    logger.info({ kind: kind.kind, version: kind.version, file }, 'a kind was loaded');
  }
  for (const warning of warnings) logger.warn(warning);
}

/** @returns null when TLS is not configured */
function openTls(
  { tls }: Config,
  logger: Logger,
  stack: ReleaseStack,
  clock: Clock,
): Certificate | null {
  if (tls === null) return null;
  const certificate = openCertificate(tls, clock, (error) =>
    logger.warn({ err: error }, 'the new certificate cannot be used; the former one is shown'),
  );
  stack.defer(async () => certificate[Symbol.dispose]());
  certificate.subscribe(() => logger.info('the certificate has been renewed'));
  return certificate;
}

async function openIdentity(
  config: Config,
  logger: Logger,
  stack: ReleaseStack,
  options: Pick<IdentityOptions, 'bootstrapToken' | 'announce' | 'existence' | 'isExempt'> & {
    clock: Clock;
  },
): Promise<Identity> {
  const mailer = stack.use(createMailer({ ...config.mail, onUnsent: logUnsent(logger) }));
  const jwtSecrets = config.jwtSecrets ?? [keptSecret(null, config.dataDir, 'jwt-secret').secret];
  const identity = stack.use(
    await Identity.open({
      ...options,
      database: openIdentityDatabase(config.databaseUrl),
      newId: randomUUID,
      jwtSecrets,
      issuer: config.publicUrl ?? 'homeostat',
      write: mailer.write,
      onAuditFailure: (error) => logger.error({ err: error }, 'an audit entry was not stored'),
      providers: providersOf(config, logger),
      registration: config.registration,
      permissions,
      quotas: config.quotas,
    }),
  );
  return identity;
}

function providersOf({ signIn, publicUrl }: Config, logger: Logger): ProviderSettings {
  return {
    all: signIn.providers,
    appUrls: signIn.appUrls,
    // The configuration has providers only beside an address
    callbackOf: (provider) => callbackOf(publicUrl ?? '', provider),
    onFailure: (provider, error) =>
      logger.warn({ err: error, provider }, 'nobody could sign in with a provider'),
  };
}

function managesAccounts({ mqtt: { broker } }: Config): boolean {
  return 'url' in broker && broker.managesAccounts;
}

function mqttOptions(config: Config, identity: Identity, certificate: Certificate | null) {
  const { mqtt, provisioning, limits } = config;
  return {
    root: mqtt.root,
    mode: modeOf(config, identity, certificate),
    provisioning: (home: string) => identity.policies.of(home) ?? provisioning,
    zigbee2mqtt: mqtt.zigbee2mqtt ?? undefined,
    homesync: mqtt.homesync,
    messages: mqtt.messages,
    templatesFile: mqtt.templatesFile ?? undefined,
    receiveMaximum: limits.batch,
  };
}

function modeOf({ mqtt }: Config, identity: Identity, certificate: Certificate | null) {
  const { broker } = mqtt;
  if ('url' in broker) {
    const { url, clientId, tls, managesAccounts } = broker;
    return { url, clientId, tls, ...(managesAccounts && { accounts: identity.mqttAccounts }) };
  }
  const { tls, ...where } = broker;
  const authenticator = authenticatorOf(identity, randomUUID);
  return { embedded: { ...where, authenticator, ...(tls && certificate && { tls: certificate }) } };
}
