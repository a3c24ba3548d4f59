/** The composition root: the only place that knows every part. */

import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import type { Logger } from 'pino';
import { type MqttAdapter, startMqtt } from '../adapters/mqtt/index.ts';
import { startWebhooks } from '../adapters/webhook/index.ts';
import {
  type Clock,
  type Engine,
  EngineTelemetry,
  openStorage,
  programFile,
  systemClock,
} from '../engine/index.ts';
import type { Identity } from '../identity/index.ts';
import { reachableUrl } from './broker-url.ts';
import type { Config } from './config.ts';
import { startDemo } from './demo.ts';
import { type Certificate, openCertificate } from './edge/certificate.ts';
import { type KeptSecret, keptSecret } from './kept-secret.ts';
import { type LoadedKinds, loadKinds } from './kinds/load-kinds.ts';
import { features } from './loaded-features.ts';
import { logMqtt, logTelemetry } from './logging.ts';
import { countFrom } from './metrics.ts';
import { announcerFor, mqttOptions } from './mqtt-options.ts';
import { ReleaseStack } from './release-stack.ts';
import { deletesWith, existenceIn } from './removal.ts';
import { reservedHomes } from './reserved-homes.ts';
import { buildServer } from './server.ts';
import { startEngine } from './start-engine.ts';
import { runFeatures, startFeatures } from './start-features.ts';
import { openIdentity } from './start-identity.ts';
import { applyThreadLimits } from './thread-memory.ts';
import { tidyRegularly } from './upkeep.ts';
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
  const { engine, begun } = await startEngine({
    ...{ config, logger, storage, telemetry, isExempt, clock: doors.clock, kinds: kinds.all },
    deletes: deletesWith(() => identity),
  });
  stack.use(engine);
  for (const [feature, reason] of begun.because) {
    logger.warn({ reason }, `the ${feature} of all homes are held back`);
  }
  let mqtt: MqttAdapter | null = null;
  identity = await openIdentity(config, logger, stack, {
    existence: existenceIn(engine),
    isExempt,
    bootstrapToken: token.secret,
    clock: doors.clock,
    announce: announcerFor(config, logger, () => mqtt),
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
  const { homes } = identity;
  const tidied = [
    { what: 'homes', tidy: () => homes.tidy() },
    { what: 'identity', tidy: () => identity.tidy(config.retention.audit) },
    ...started.map(({ name, tidy }) => ({ what: name, tidy })),
  ];
  stack.use(tidyRegularly(tidied, doors.clock, logger));
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
      warnings: [...begun.because].map(([feature, why]) => `${feature} are held back: ${why}`),
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
  runFeatures(started, logger, stack);
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
