import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Mosquitto } from '../../adapters/mqtt/testing/mosquitto.ts';
import { HomeostatProcess } from '../../api/e2e/homeostat-process.ts';
import { Wire } from '../../api/e2e/wire.ts';
import type { Address } from '../../engine/index.ts';
import { PACKAGE_ROOT } from '../../engine/testing/package-root.ts';
import { type PostgresServer, startPostgres } from '../../engine/testing/postgres-server.ts';
import { Device, type DeviceKind } from './device.ts';
import { Model } from './model.ts';
import type { Answer, Order } from './orders.ts';
import { createDatabase } from './postgres-database.ts';
import type { Ground } from './scenario.ts';

const ENGINE_MAIN = fileURLToPath(new URL('dist-bench/bench/torture/engine-main.js', PACKAGE_ROOT));

/** Left to itself, V8 lets garbage lie as long as the machine has memory: what an engine takes then says nothing. */
const MAX_HEAP_MB = 256;

export interface WorldOptions {
  /** The engine's environment, on top of what a world sets. */
  environment?: Record<string, string>;
  /** A PostgreSQL server of its own, which may be stopped. */
  ownServer?: boolean;
  /** Parameters of the engine's connection to PostgreSQL, such as `query_timeout=500`. */
  connection?: string;
  /** A wire between the engine and these. */
  wires?: readonly ('broker' | 'store')[];
  /** A database that somebody else has made and takes away again. */
  databaseUrl?: string;
}

/** An engine with its store and broker, and what is known about them from outside. */
export class World {
  readonly ground: Ground;
  readonly model = new Model();
  readonly devices: Device[] = [];
  /** Bytes: the most that any engine of it has taken. */
  peakRss = 0;
  /** Where the store is, past all wires: for the evidence. */
  readonly databaseUrl: string;
  readonly mosquitto: Mosquitto | null;
  readonly postgres: PostgresServer | null;
  readonly storeWire: Wire | null;
  readonly brokerWire: Wire | null;
  /** The one that is to serve; another after a takeover. */
  engine: HomeostatProcess;
  readonly #environment: Record<string, string>;

  private constructor(parts: Parts) {
    this.ground = parts.ground;
    this.databaseUrl = parts.databaseUrl;
    this.mosquitto = parts.mosquitto;
    this.postgres = parts.postgres;
    this.storeWire = parts.storeWire;
    this.brokerWire = parts.brokerWire;
    this.engine = parts.engine;
    this.#environment = parts.environment;
  }

  /** Starts everything, the engine last. */
  static async open(ground: Ground, options: WorldOptions = {}): Promise<World> {
    const world = new World(await build(ground, options));
    await world.engine.start();
    return world;
  }

  /** Where devices connect. */
  get deviceUrl(): string {
    if (this.mosquitto) return this.mosquitto.url;
    return this.brokerWire ? `mqtt://127.0.0.1:${this.brokerWire.port}` : this.engine.mqttUrl;
  }

  /** A device that connects by itself, and ends with the world. */
  connect(address: Address & { kind: DeviceKind }): Device {
    const device = this.ground.stack.use(new Device(this.deviceUrl, address, this.model));
    this.devices.push(device);
    return device;
  }

  /** Another engine on the same store and broker, not started yet. */
  async rival(environment: Record<string, string> = {}): Promise<HomeostatProcess> {
    const all = { ...this.#environment, ...environment };
    return await this.ground.stack.start(() => HomeostatProcess.prepare(all, ENGINE_MAIN));
  }

  order(order: Order): Promise<Answer> {
    return this.engine.ask<Answer>(order);
  }

  async setClock(offsetMs: number): Promise<void> {
    await this.order({ order: 'clock', offsetMs });
    this.model.clockIsSet(offsetMs);
  }
}

interface Parts {
  ground: Ground;
  databaseUrl: string;
  mosquitto: Mosquitto | null;
  postgres: PostgresServer | null;
  storeWire: Wire | null;
  brokerWire: Wire | null;
  engine: HomeostatProcess;
  environment: Record<string, string>;
}

async function build(ground: Ground, options: WorldOptions): Promise<Parts> {
  const { wires = [] } = options;
  const { stack } = ground;
  const postgres =
    ground.store === 'postgres' && options.ownServer
      ? await stack.start(() => startPostgres())
      : null;
  const databaseUrl = options.databaseUrl ?? (await makeDatabase(ground, postgres));
  const storeWire =
    wires.includes('store') && ground.store === 'postgres'
      ? await stack.start(() => Wire.to(serverOf(databaseUrl)))
      : null;
  const mosquitto =
    ground.broker === 'mosquitto' ? await stack.start(() => Mosquitto.start()) : null;
  const outerWire =
    wires.includes('broker') && mosquitto
      ? await stack.start(() => Wire.to({ host: '127.0.0.1', port: mosquitto.port }))
      : null;
  const environment = {
    DATABASE_URL: engineUrl(databaseUrl, storeWire, options.connection),
    LOG_LEVEL: 'warn',
    NODE_OPTIONS: `--max-old-space-size=${MAX_HEAP_MB}`,
    // It is killed again and again
    RULES_HELD_AFTER_CRASHES: '0',
    ...(mosquitto && {
      MQTT_URL: outerWire ? `mqtt://127.0.0.1:${outerWire.port}` : mosquitto.url,
      PROVISIONING: 'open',
    }),
    ...options.environment,
  };
  const engine = await stack.start(() => HomeostatProcess.prepare(environment, ENGINE_MAIN));
  const brokerWire =
    wires.includes('broker') && !mosquitto
      ? await stack.start(() => Wire.to({ host: '127.0.0.1', port: engine.mqttPort }))
      : outerWire;
  const parts = { ground, databaseUrl, mosquitto, postgres, storeWire, brokerWire };
  return { ...parts, engine, environment };
}

async function makeDatabase(
  { store, postgresUrl, stack }: Ground,
  server: PostgresServer | null,
): Promise<string> {
  if (server) return server.url;
  if (store === 'postgres') return (await stack.start(() => createDatabase(postgresUrl))).url;
  const folder = await mkdtemp(join(tmpdir(), 'homeostat-torture-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  return `sqlite:${join(folder, 'homeostat.db')}`;
}

function serverOf(databaseUrl: string): { host: string; port: number } {
  const { hostname, port } = new URL(databaseUrl);
  return { host: hostname, port: Number(port) };
}

function engineUrl(databaseUrl: string, wire: Wire | null, connection: string | undefined): string {
  if (databaseUrl.startsWith('sqlite:')) return databaseUrl;
  const url = new URL(databaseUrl);
  if (wire) {
    url.hostname = '127.0.0.1';
    url.port = String(wire.port);
  }
  url.search = connection ?? url.search;
  return url.href;
}
