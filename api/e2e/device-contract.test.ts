import { describe, expect, test } from 'vitest';
import { Device } from './device.ts';
import { WORLDS } from './worlds.ts';

interface Twin {
  revision: number;
  reported: Record<string, unknown>;
  desired: Record<string, unknown>;
}
interface Intent {
  id: string;
  status: string;
}

describe.each(WORLDS)('on $name', ({ missing, start }) => {
  const thermostat = 'homeostat/h1/thermostat/t1';
  const twin = '/v1/homes/h1/twins/t1';

  test.skipIf(missing)(
    'a report makes a twin; a new target is commanded, acknowledged and confirmed',
    async () => {
      await using world = await start();
      const { homeostat } = world;
      await using device = await Device.connect(homeostat.mqttUrl, {
        subscribe: [`${thermostat}/command`, `${thermostat}/desired`],
      });
      await device.publish(`${thermostat}/telemetry`, { temperature: 18.4, humidity: 41 });
      const first = await homeostat.until<Twin>(twin, ({ revision }) => revision >= 1);
      expect(first).toMatchObject({
        home: 'h1',
        id: 't1',
        kind: 'thermostat',
        revision: 1,
        reported: { temperature: 18.4, humidity: 41 },
      });

      await homeostat.request('PATCH', `${twin}/desired`, { targetTemperature: 22 });
      const command = await device.next(({ topic }) => topic === `${thermostat}/command`);
      expect(command.payload).toMatchObject({
        name: 'set-target',
        args: { targetTemperature: 22 },
      });
      const { id } = command.payload as { id: string };
      const intent = `/v1/homes/h1/intents/${encodeURIComponent(id)}`;
      await homeostat.until<Intent>(intent, ({ status }) => status === 'sent');
      await device.publish(`${thermostat}/ack`, { id, ok: true });
      await homeostat.until<Intent>(intent, ({ status }) => status === 'acked');
      await device.publish(`${thermostat}/telemetry`, { targetTemperature: 22 });
      const confirmed = await homeostat.until<Intent>(intent, ({ status }) => status === 'confirmed');
      expect(confirmed).toMatchObject({ attempts: 1, cause: expect.any(String) });
      await device.next(
        ({ topic, payload }) => topic.endsWith('/desired') && JSON.stringify(payload).includes('22'),
      );
      expect(await homeostat.get(`${twin}/replay`)).toMatchObject({ ok: true });
    },
  );

  test.skipIf(missing)(
    'a device that stays silent turns its intent expired and raises an alert',
    async () => {
      await using world = await start();
      const { homeostat } = world;
      await using device = await Device.connect(homeostat.mqttUrl);
      await device.publish(`${thermostat}/telemetry`, { temperature: 18.4 });
      await homeostat.until<Twin>(twin, ({ revision }) => revision >= 1);
      const intent = await homeostat.request<Intent>('POST', `${twin}/commands`, {
        name: 'set-target',
        args: { targetTemperature: 25 },
        ttl: 200,
      });
      await homeostat.until<Intent>(
        `/v1/homes/h1/intents/${encodeURIComponent(intent.id)}`,
        ({ status }) => status === 'expired',
      );
      const alerts = await homeostat.until<{ items: { key: string; status: string }[] }>(
        '/v1/homes/h1/alerts',
        ({ items }) => items.length > 0,
      );
      expect(alerts.items).toMatchObject([{ key: 'not-responding', status: 'raised' }]);
    },
  );

  test.skipIf(missing)(
    'killed under load: every acknowledged event is there exactly once, and what waited goes out',
    async () => {
      await using world = await start();
      const { homeostat, mosquitto } = world;
      const relay = (n: number) => `homeostat/h1/relay/r${n}`;
      const sender = await Device.connect(homeostat.mqttUrl, { clientId: 'sender', clean: false });
      for (let n = 0; n < 5; n++) await sender.publish(`${relay(n)}/telemetry`, { on: false, id: `first-${n}` });
      for (let n = 0; n < 5; n++) {
        await homeostat.until<Twin>(`/v1/homes/h1/twins/r${n}`, ({ revision }) => revision >= 1);
      }
      // A timer that will fall due while the process is down
      await homeostat.request('PATCH', '/v1/homes/h1/twins/r0', { settings: { autoOffMs: 100 } });
      await homeostat.request('PATCH', '/v1/homes/h1/twins/r1', { settings: { autoOffMs: 400 } });

      const acknowledged = new Set<string>();
      let count = 0;
      let killed = false;
      const load = (async () => {
        while (!killed) {
          const batch = Array.from({ length: 50 }, () => count++);
          await Promise.all(
            batch.map(async (n) => {
              const id = `load-${n}`;
              const target = n % 5;
              const sent = sender.publish(`${relay(target)}/telemetry`, { power: n, id });
              const lost = new Promise<false>((resolve) => sender.client.once('close', () => resolve(false)));
              if ((await Promise.race([sent.then(() => true, () => false), lost])) !== false) {
                acknowledged.add(`r${target} ${id}`);
              }
            }),
          );
        }
      })();
      sender.client.setMaxListeners(0);
      await homeostat.until<Twin>('/v1/homes/h1/twins/r3', ({ revision }) => revision > 40);
      await sender.publish(`${relay(1)}/telemetry`, { on: true, id: 'switched-on' });
      await homeostat.until<Twin>('/v1/homes/h1/twins/r1', ({ reported }) => reported.on === true);
      // Nobody listens on the embedded broker, so this command waits in the outbox
      const command = await homeostat.request<Intent>('POST', '/v1/homes/h1/twins/r2/commands', {
        name: 'switch',
        args: { on: true },
        ttl: 600_000,
      });
      await homeostat.kill();
      killed = true;
      // An embedded broker died with the engine, and with it the sender's connection
      if (!mosquitto) sender.client.end(true);
      await load;
      await homeostat.start();

      for (const key of acknowledged) {
        const [twinId, id] = key.split(' ') as [string, string];
        void twinId;
        expect(id).toMatch(/^load-/);
      }
      const seen = new Map<string, number>();
      for (let n = 0; n < 5; n++) {
        // The broker hands over what it kept for the engine
        const missingOf = () =>
          [...acknowledged].filter((key) => key.startsWith(`r${n} `) && !seen.has(key));
        do {
          for (const key of [...seen.keys()]) if (key.startsWith(`r${n} `)) seen.delete(key);
          let cursor: string | null = null;
          do {
            const page: { items: { eventId: string }[]; nextCursor: string | null } =
              await homeostat.get(
                `/v1/homes/h1/twins/r${n}/journal?limit=200${cursor ? `&cursor=${cursor}` : ''}`,
              );
            for (const { eventId } of page.items) {
              const key = `r${n} ${eventId}`;
              seen.set(key, (seen.get(key) ?? 0) + 1);
            }
            cursor = page.nextCursor;
          } while (cursor !== null);
        } while (missingOf().length > 0);
        expect(await homeostat.get(`/v1/homes/h1/twins/r${n}/replay`)).toMatchObject({ ok: true });
      }
      expect([...seen].filter(([key, times]) => key.includes('load-') && times !== 1)).toEqual([]);
      expect(acknowledged.size).toBeGreaterThan(100);

      // The timer that fell due meanwhile has fired, and says how late
      await homeostat.until<{ items: { event: { type: string; late?: number } }[] }>(
        '/v1/homes/h1/twins/r1/journal?limit=200',
        ({ items }) =>
          items.some(({ event }) => event.type === 'timer.fired' && typeof event.late === 'number'),
      );
      // The command that waited reaches its device
      await using device = await Device.connect(homeostat.mqttUrl, {
        subscribe: [`${relay(2)}/command`],
      });
      if (!mosquitto) {
        const message = await device.next(({ topic }) => topic === `${relay(2)}/command`);
        expect(message.payload).toMatchObject({ id: command.id, name: 'switch', args: { on: true } });
      }
      await homeostat.until<Intent>(
        `/v1/homes/h1/intents/${encodeURIComponent(command.id)}`,
        ({ status }) => status === 'sent',
      );
      await sender.client.endAsync(true);
    },
    60_000,
  );
});
