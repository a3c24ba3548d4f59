import { expect, test } from 'vitest';
import { Mosquitto, mosquittoMissing } from '../../adapters/mqtt/testing/mosquitto.ts';
import { createTestDatabase } from '../../engine/testing/postgres.ts';
import { Device } from './device.ts';
import { beforeNextLook, HomeostatProcess, TOKEN } from './homeostat-process.ts';
import { Wire } from './wire.ts';

interface Twin {
  revision: number;
  reported: Record<string, unknown>;
}
const topic = 'homeostat/h1/relay/r/telemetry';

test('PostgreSQL gone: nothing is acknowledged, readiness fails, it resumes by itself and nothing is lost or doubled', async () => {
  await using database = await createTestDatabase();
  const url = new URL(database.url);
  await using wire = await Wire.to({ host: url.hostname, port: Number(url.port) });
  url.port = String(wire.port);
  await using homeostat = await HomeostatProcess.start({ DATABASE_URL: url.href });
  await using device = await Device.connect(homeostat.mqttUrl);
  await device.publish(topic, { power: 1 });

  wire.cut();
  const acknowledged: number[] = [];
  const waiting = Array.from({ length: 20 }, async (_, n) => {
    await device.publish(topic, { power: 2 + n, id: `while-away-${n}` });
    acknowledged.push(n);
  });
  await ready(homeostat, 503);
  const steered = await fetch(`${homeostat.url}/v1/homes/h1/twins/r/desired`, {
    method: 'PATCH',
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
    body: '{"on":true}',
  });
  expect(steered.status).toBe(503);
  expect(steered.headers.get('retry-after')).toBeTruthy();
  expect(acknowledged).toEqual([]);

  wire.mend();
  await Promise.all(waiting);
  await ready(homeostat, 200);
  expect(await homeostat.get<Twin>('/v1/homes/h1/twins/r')).toMatchObject({
    revision: 21,
    reported: { power: 21 },
  });
  expect(await homeostat.get('/v1/homes/h1/twins/r/replay')).toMatchObject({ ok: true });
}, 60_000);

test.skipIf(mosquittoMissing)(
  `the broker gone: the engine reconnects by itself, and a command that waited is delivered${mosquittoMissing === null ? '' : ` (skipped: ${mosquittoMissing})`}`,
  async () => {
    await using mosquitto = await Mosquitto.start();
    await using homeostat = await HomeostatProcess.start({
      MQTT_URL: mosquitto.url,
      PROVISIONING: 'open',
    });
    const device = await Device.connect(homeostat.mqttUrl);
    await device.publish(topic, { on: false });
    await homeostat.until<Twin>('/v1/homes/h1/twins/r', ({ revision }) => revision >= 1);
    await device[Symbol.asyncDispose]();

    await mosquitto.stop();
    await ready(homeostat, 503);
    const { id } = await homeostat.request<{ id: string }>(
      'POST',
      '/v1/homes/h1/twins/r/commands',
      { name: 'switch', args: { on: true }, ttl: 600_000 },
    );
    const intent = `/v1/homes/h1/intents/${encodeURIComponent(id)}`;
    expect(await homeostat.get(intent)).toMatchObject({ status: 'pending' });
    await mosquitto.start();
    await ready(homeostat, 200);
    await using again = await Device.connect(homeostat.mqttUrl, {
      subscribe: ['homeostat/h1/relay/r/command'],
    });
    await again.publish('homeostat/h1/relay/r/status', 'online');
    const { payload } = await again.next(() => true);
    expect(payload).toMatchObject({ id, name: 'switch' });
    await homeostat.until<{ status: string }>(intent, ({ status }) => status === 'sent');
    await again.publish(topic, { on: true });
    await homeostat.until<{ status: string }>(intent, ({ status }) => status === 'confirmed');
  },
  60_000,
);

/** Asks until the answer is this one. */
async function ready(homeostat: HomeostatProcess, status: 200 | 503): Promise<void> {
  for (;;) {
    const answer = await fetch(`${homeostat.url}/readyz`);
    if (answer.status === status) return;
    await beforeNextLook();
  }
}
