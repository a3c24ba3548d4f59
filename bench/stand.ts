import { Mosquitto } from '../adapters/mqtt/testing/mosquitto.ts';
import { HomeostatProcess } from '../api/e2e/homeostat-process.ts';
import { ReleaseStack } from '../api/release-stack.ts';
import type { Setting } from './measurement.ts';

/** What an engine runs on. */
export interface Where {
  store: 'PostgreSQL' | 'SQLite';
  broker: 'Mosquitto' | 'embedded broker';
  /** The built program of another checkout, to compare with; absent: ours. */
  former?: URL;
}

/** Lets an {@link Inspector} in. */
export const INSPECTED = ['--inspect=127.0.0.1:0'];

export function nameOf({ store, broker, former }: Where): string {
  return `${store}, ${broker}${former ? ' (former)' : ''}`;
}

/** An engine that has not been started, with a database and a broker of its own. */
export interface Stand extends AsyncDisposable {
  where: Where;
  engine: HomeostatProcess;
  databaseUrl: string;
  broker: Mosquitto | null;
}

export async function makeStand(
  setting: Setting,
  where: Where,
  environment: Record<string, string> = {},
): Promise<Stand> {
  const stack = new ReleaseStack();
  const broker = where.broker === 'Mosquitto' ? stack.use(await Mosquitto.start()) : null;
  const url = where.store === 'PostgreSQL' ? await setting.databases.create() : null;
  const engine = stack.use(
    await HomeostatProcess.prepare({
      LOG_LEVEL: 'warn',
      PROVISIONING: 'open',
      ...(url !== null && { DATABASE_URL: url }),
      ...(broker && { MQTT_URL: broker.url }),
      ...environment,
    }),
  );
  if (where.former) engine.checkout = where.former;
  if (setting.profiles !== null) engine.nodeOptions = INSPECTED;
  return {
    where,
    engine,
    databaseUrl: url ?? `sqlite:${engine.folder}/homeostat.db`,
    broker,
    [Symbol.asyncDispose]: () => stack[Symbol.asyncDispose](),
  };
}
