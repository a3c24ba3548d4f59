/** Rules that wait, in the whole program, which is killed in each wait. */
import { connectAsync } from 'mqtt';
import { describe, expect, test } from 'vitest';
import { createTestDatabase } from '../../engine/testing/postgres.ts';
import { HomeostatProcess } from './homeostat-process.ts';

const RULE = `rule: airing
triggers:
  - { twin: window, path: reported.contact, to: false, for: 4s }
actions:
  - set: { twin: fan, desired: { on: true } }
  - delay: 6s
  - set: { twin: fan, desired: { on: false } }
`;

interface Timer {
  id: string;
  due: string;
}
interface Item {
  at: string;
  receivedAt: string;
  event: { type: string; timer?: string; late?: number };
}

const STORES = [
  { name: 'SQLite', open: async () => ({ env: {}, close: async () => {} }) },
  {
    name: 'PostgreSQL',
    open: async () => {
      const database = await createTestDatabase();
      return { env: { DATABASE_URL: database.url }, close: () => database[Symbol.asyncDispose]() };
    },
  },
];

describe.each(STORES)('a rule on $name', ({ open }) => {
  test('that is killed while it holds and while it delays finishes on time', async () => {
    const store = await open();
    await using homeostat = await HomeostatProcess.start(store.env);
    try {
      await homeostat.request('POST', '/v1/homes', { id: 'flat' });
      const device = await connectAsync(homeostat.mqttUrl);
      const report = (topic: string, payload: object) =>
        device.publishAsync(`homeostat/flat/${topic}/telemetry`, JSON.stringify(payload), {
          qos: 1,
        });
      await report('sensor/window', { contact: true });
      await report('relay/fan', { on: false });
      await homeostat.request('PUT', '/v1/homes/flat/rules/airing', { source: RULE });
      await report('sensor/window', { contact: false });
      await device.endAsync();

      const timers = '/v1/homes/flat/twins/airing/timers';
      const one = (prefix: string) =>
        homeostat.until<{ items: Timer[] }>(timers, ({ items }) =>
          items.some(({ id }) => id.startsWith(prefix)),
        );
      const { items: held } = await one('hold:');
      await homeostat.kill();
      await homeostat.start();

      const { items: delayed } = await one('run:');
      expect(await homeostat.get('/v1/homes/flat/twins/fan')).toMatchObject({
        desired: { on: true },
      });
      await homeostat.kill();
      await homeostat.start();
      await homeostat.until<{ desired: object }>('/v1/homes/flat/twins/fan', ({ desired }) =>
        JSON.stringify(desired).includes('false'),
      );
      const rule = await homeostat.get('/v1/homes/flat/rules/airing');
      expect(rule).toMatchObject({ runs: 1, running: 0, lastOutcome: 'finished' });

      // Each deadline fired once, when it had come
      const { items } = await homeostat.get<{ items: Item[] }>(
        '/v1/homes/flat/twins/airing/journal?limit=50',
      );
      const fired = items.filter(
        ({ event }) => event.type === 'timer.fired' && event.timer !== 'settle',
      );
      expect(fired.map(({ event }) => event.timer).reverse()).toEqual([
        held[0]?.id,
        delayed[0]?.id,
      ]);
      for (const [at, { due }] of [held[0] as Timer, delayed[0] as Timer].entries()) {
        expect(Date.parse(fired.at(-1 - at)?.receivedAt ?? '')).toBeGreaterThanOrEqual(
          Date.parse(due),
        );
      }
      expect(await homeostat.get('/v1/homes/flat/twins/airing/replay')).toMatchObject({ ok: true });
    } finally {
      await homeostat.stop();
      await store.close();
    }
  });
});
