/** The composition root: the only place that knows every part. */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import type { Logger } from 'pino';
import { type MqttAdapter, startMqtt } from '../adapters/mqtt/index.ts';
import {
  type Clock,
  createEngine,
  type Engine,
  EngineTelemetry,
  openStorage,
  systemClock,
} from '../engine/index.ts';
import { kinds } from '../twins/catalogue.ts';
import { type AdminToken, adminToken } from './admin-token.ts';
import { type Config, readVersion } from './config.ts';
import { startDemo } from './demo.ts';
import { logMqtt, logTelemetry } from './logging.ts';
import { countFrom } from './metrics.ts';
import { ReleaseStack } from './release-stack.ts';
import { buildServer } from './server.ts';

const FIRST_CONNECTION_MS = 5_000;

/** A running Homeostat. Disposing drains and stops it. */
export interface Homeostat extends AsyncDisposable {
  engine: Engine;
  mqtt: MqttAdapter;
  httpUrl: string;
  token: AdminToken;
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
  const token = adminToken(config.adminToken, config.dataDir);
  const telemetry = new EngineTelemetry();
  logTelemetry(telemetry, logger);
  const counts = countFrom(telemetry);
  telemetry.subscribe((name) => {
    if (name === 'ownership.lost') onOwnershipLost();
  });
  const storage = stack.use(
    await doors.openStorage(config.databaseUrl, { deadLettersPerHome: config.deadLettersPerHome }),
  );
  const engine = stack.use(
    await createEngine({
      storage,
      kinds,
      telemetry,
      clock: doors.clock,
      newId: randomUUID,
      defaultTimezone: config.timezone,
      owner: `${hostname()} pid ${process.pid}`,
      takeoverWaitMs: config.takeoverWaitSeconds * 1_000,
      destinations: { command: 'mqtt', desired: 'mqtt' },
      retention: config.retention,
      limits: config.limits,
    }),
  );
  let mqtt: MqttAdapter | null = null;
  const server = await buildServer({
    engine,
    counts,
    adminToken: token.token,
    version: readVersion(),
    defaultTimezone: config.timezone,
    logger,
    readiness: () =>
      mqtt?.connected()
        ? { ready: true, problems: [] }
        : { ready: false, problems: ['the MQTT broker cannot be reached'] },
  });
  stack.defer(() => server.close());
  const httpUrl = await server.listen({ host: config.http.host, port: config.http.port });
  mqtt = stack.use(
    await doors.startMqtt({ ...mqttOptions(config), engine, signal: logMqtt(logger) }),
  );
  // Who is told that it runs may publish at once. A broker that is away does not hold up the start
  await Promise.race([mqtt.whenConnected(), setTimeout(FIRST_CONNECTION_MS, null, { ref: false })]);
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

function mqttOptions({ mqtt, provisioning, limits }: Config) {
  const { broker } = mqtt;
  return {
    root: mqtt.root,
    mode: 'url' in broker ? broker : { embedded: broker },
    provisioning,
    zigbee2mqtt: mqtt.zigbee2mqtt ?? undefined,
    homesync: mqtt.homesync,
    templatesFile: mqtt.templatesFile ?? undefined,
    receiveMaximum: limits.batch,
  };
}
