/** Devices with secrets, as their owners see it: the whole program, real brokers. */
import { connectAsync, type MqttClient } from 'mqtt';
import { describe, expect, test } from 'vitest';
import { dynamicSecurityMissing, Mosquitto } from '../../adapters/mqtt/testing/mosquitto.ts';
import { createTestDatabase } from '../../engine/testing/postgres.ts';
import { HomeostatProcess } from './homeostat-process.ts';

const ENGINE = { username: 'homeostat', password: 'of-the-engine' };
const TELEMETRY = 'homeostat/flat/relay/desk/telemetry';

interface House extends AsyncDisposable {
  homeostat: HomeostatProcess;
}

/** The embedded broker, where everybody needs a secret. */
async function withEmbedded(): Promise<House> {
  const homeostat = await HomeostatProcess.start({ MQTT_ANONYMOUS: 'off' });
  return { homeostat, [Symbol.asyncDispose]: () => homeostat[Symbol.asyncDispose]() };
}

/** Mosquitto with accounts, and PostgreSQL. */
async function withMosquitto(): Promise<House> {
  const database = await createTestDatabase();
  const mosquitto = await Mosquitto.start({ engine: ENGINE });
  const homeostat = await HomeostatProcess.start({
    DATABASE_URL: database.url,
    MQTT_URL: mosquitto.url.replace('//', `//${ENGINE.username}:${ENGINE.password}@`),
    MQTT_DYNAMIC_SECURITY: 'on',
  });
  await homeostat.says('the MQTT broker knows all accounts');
  return {
    homeostat,
    async [Symbol.asyncDispose]() {
      await homeostat[Symbol.asyncDispose]();
      await mosquitto[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
    },
  };
}

const BROKERS = [
  { name: 'the embedded broker', missing: null, start: withEmbedded },
  {
    name: 'Mosquitto with dynamic security',
    missing: dynamicSecurityMissing,
    start: withMosquitto,
  },
];

describe.each(BROKERS)('a device at $name', ({ missing, start }) => {
  const title = missing === null ? '' : ` [skipped: ${missing}]`;

  test.skipIf(missing !== null)(
    `is claimed with a code, reports, and is out when its secret is revoked, kill -9 or not${title}`,
    async () => {
      await using house = await start();
      const { homeostat } = house;
      const come = async (secret: string): Promise<MqttClient> =>
        await connectAsync(
          homeostat.mqttUrl.replace(/\/\/.*@/, '//'),
          { username: 'flat/desk', password: secret, reconnectPeriod: 0 },
          false,
        );
      await homeostat.request('POST', '/v1/homes', { id: 'flat' });
      const { code } = await homeostat.request<{ code: string }>(
        'POST',
        '/v1/homes/flat/claim-codes',
        {},
      );
      const claim = { code, id: 'desk', kind: 'relay' };
      const made = await homeostat.request<{ secret: string; username: string }>(
        'POST',
        '/v1/devices/claim',
        claim,
      );
      expect(made.username).toBe('flat/desk');
      await expect(come('wrong')).rejects.toThrow();

      const desk = await come(made.secret);
      await desk.publishAsync(TELEMETRY, '{"on": true, "power": 41}', { qos: 1 });
      await homeostat.kill();
      await desk.endAsync(true);
      await homeostat.start();

      const again = await come(made.secret);
      await again.publishAsync(TELEMETRY, '{"on": true, "power": 42}', { qos: 1 });
      await homeostat.until<{ reported: { power?: number } }>(
        '/v1/homes/flat/twins/desk',
        ({ reported }) => reported.power === 42,
      );
      const closed = new Promise<void>((resolve) => again.once('close', () => resolve()));
      await homeostat.request('DELETE', '/v1/homes/flat/twins/desk/secret');
      await closed;
      await expect(come(made.secret)).rejects.toThrow();
      const { items } = await homeostat.get<{ items: { action: string }[] }>(
        '/v1/homes/flat/audit',
      );
      expect(items.map(({ action }) => action)).toContain('devices.manage');
    },
    60_000,
  );
});
