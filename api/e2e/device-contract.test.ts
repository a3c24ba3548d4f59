import { describe, expect, test } from 'vitest';
import { Device } from './device.ts';
import { beforeNextLook, type HomeostatProcess } from './homeostat-process.ts';
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

interface JournalItem {
  eventId: string;
  event: { type: string; timer?: string; late?: number };
}

const AUTO_OFF = 'xstate.after.autoOff.relay.autoOff.running';

async function journalOf(homeostat: HomeostatProcess, twin: string): Promise<JournalItem[]> {
  const items: JournalItem[] = [];
  let cursor: string | null = null;
  do {
    const query: string = cursor === null ? '' : `&cursor=${cursor}`;
    const page: { items: JournalItem[]; nextCursor: string | null } = await homeostat.get(
      `/v1/homes/h1/twins/${twin}/journal?limit=200${query}`,
    );
    items.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== null);
  return items;
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
      const confirmed = await homeostat.until<Intent>(
        intent,
        ({ status }) => status === 'confirmed',
      );
      expect(confirmed).toMatchObject({ attempts: 1, cause: expect.any(String) });
      await device.next(
        ({ topic, payload }) =>
          topic.endsWith('/desired') && JSON.stringify(payload).includes('22'),
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
      for (let n = 0; n < 5; n++)
        await sender.publish(`${relay(n)}/telemetry`, { on: false, id: `first-${n}` });
      for (let n = 0; n < 5; n++) {
        await homeostat.until<Twin>(`/v1/homes/h1/twins/r${n}`, ({ revision }) => revision >= 1);
      }
      // A timer that will fall due while the process is down
      await homeostat.request('PATCH', '/v1/homes/h1/twins/r1', { settings: { autoOffMs: 1_000 } });

      const acknowledged = new Set<string>();
      let count = 0;
      let killed = false;
      let giveUp = () => {};
      const gone = new Promise<false>((resolve) => {
        giveUp = () => resolve(false);
      });
      const load = (async () => {
        while (!killed) {
          const batch = Array.from({ length: 50 }, () => count++);
          await Promise.all(
            batch.map(async (n) => {
              const id = `load-${n}`;
              const target = n % 5;
              const sent = sender.publish(`${relay(target)}/telemetry`, { power: n, id });
              const answered = sent.then(
                () => true,
                () => false,
              );
              if (await Promise.race([answered, gone])) {
                acknowledged.add(`r${target} ${id}`);
              }
            }),
          );
          // A broker of its own answers faster than the engine takes: without a pause it holds thousands
          await beforeNextLook();
        }
      })();
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
      giveUp();
      // An embedded broker died with the engine, and with it the sender's connection
      if (!mosquitto) sender.client.end(true);
      await load;
      await homeostat.start();

      for (let n = 0; n < 5; n++) {
        const mine = [...acknowledged].filter((key) => key.startsWith(`r${n} `));
        // The broker hands over what it kept for the engine
        let items: JournalItem[];
        for (;;) {
          items = await journalOf(homeostat, `r${n}`);
          const there = new Set(items.map(({ eventId }) => `r${n} ${eventId}`));
          if (mine.every((key) => there.has(key))) break;
          await beforeNextLook();
        }
        const ids = items.map(({ eventId }) => eventId).filter((id) => id.startsWith('load-'));
        expect(ids.length).toBe(new Set(ids).size);
        expect(await homeostat.get(`/v1/homes/h1/twins/r${n}/replay`)).toMatchObject({ ok: true });
      }
      expect(acknowledged.size).toBeGreaterThan(100);

      // The timer that fell due meanwhile has fired, and says how late
      let fired: JournalItem | undefined;
      for (;;) {
        const items = await journalOf(homeostat, 'r1');
        fired = items.find(({ event }) => event.type === 'timer.fired' && event.timer === AUTO_OFF);
        if (fired) break;
        await beforeNextLook();
      }
      expect(fired.event.late).toBeGreaterThan(0);
      // The command that waited reaches its device
      await using device = await Device.connect(homeostat.mqttUrl, {
        subscribe: [`${relay(2)}/command`],
      });
      if (!mosquitto) {
        const message = await device.next(({ topic }) => topic === `${relay(2)}/command`);
        expect(message.payload).toMatchObject({
          id: command.id,
          name: 'switch',
          args: { on: true },
        });
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
