import { Mosquitto, mosquittoMissing } from '../../adapters/mqtt/testing/mosquitto.ts';
import { createTestDatabase } from '../../engine/testing/postgres.ts';
import { HomeostatProcess } from './homeostat-process.ts';

/** A store and a broker, and why a test on them cannot run here. */
export interface World {
  name: string;
  missing: string | null;
  /** A Homeostat on them; what it needs ends with it. */
  start(environment?: Record<string, string>): Promise<{
    homeostat: HomeostatProcess;
    mosquitto: Mosquitto | null;
    [Symbol.asyncDispose](): Promise<void>;
  }>;
}

function world(store: 'SQLite' | 'PostgreSQL', broker: 'embedded broker' | 'Mosquitto 2'): World {
  const missing = broker === 'Mosquitto 2' ? mosquittoMissing : null;
  return {
    name: `${store} and ${broker}${missing === null ? '' : ` (skipped: ${missing})`}`,
    missing,
    async start(environment = {}) {
      const database = store === 'PostgreSQL' ? await createTestDatabase() : null;
      const mosquitto = broker === 'Mosquitto 2' ? await Mosquitto.start() : null;
      const homeostat = await HomeostatProcess.start({
        ...(database && { DATABASE_URL: database.url }),
        ...(mosquitto && { MQTT_URL: mosquitto.url, PROVISIONING: 'open' }),
        ...environment,
      });
      return {
        homeostat,
        mosquitto,
        async [Symbol.asyncDispose]() {
          await homeostat[Symbol.asyncDispose]();
          await mosquitto?.[Symbol.asyncDispose]();
          await database?.[Symbol.asyncDispose]();
        },
      };
    },
  };
}

export const WORLDS: readonly World[] = [
  world('SQLite', 'embedded broker'),
  world('SQLite', 'Mosquitto 2'),
  world('PostgreSQL', 'embedded broker'),
  world('PostgreSQL', 'Mosquitto 2'),
];
