/** The same over MQTT: what devices and gateways of one home try at the broker. */
import fc from 'fast-check';
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type MqttAdapter, startMqtt } from '../../adapters/mqtt/index.ts';
import { dynamicSecurityMissing, Mosquitto } from '../../adapters/mqtt/testing/mosquitto.ts';
import { Recorder } from '../../adapters/mqtt/testing/recorder.ts';
import { authenticatorOf } from './mqtt-authenticator.ts';
import { A, B, CANARY, TwoHomes } from './testing/two-homes.ts';

const TIMES = Number(process.env.FUZZ_RUNS ?? 1);
const LONGEST_TTL_MS = 120_000;
const ENGINE = { username: 'homeostat', password: 'of the engine' };

interface Attempt {
  who: 'device' | 'gateway';
  /** Of whose session it takes the id; null: one of its own. */
  session: 'device of B' | 'gateway of B' | null;
  subscribe: string[];
  publish: { topic: string; payload: string; retain: boolean }[];
}

const level = fc.constantFrom(
  ...[A, B, B, 'lamp', 'door', 'stranger', 'new', '+', '#', 'homeostat', '$SYS', ''],
  ...['telemetry', 'event', 'status', 'ack', 'command', 'desired'],
);
const address = (home: fc.Arbitrary<string>) =>
  fc
    .tuple(home, fc.constantFrom('lamp', '+'), fc.constantFrom('lamp', 'door', 'stranger', '+'))
    .chain(([of, kind, twin]) =>
      fc
        .constantFrom('telemetry', 'event', 'status', 'ack', 'command', 'desired', '#', '+')
        .map((channel) => `homeostat/${of}/${kind}/${twin}/${channel}`),
    );
const topic = fc.oneof(
  { weight: 4, arbitrary: address(fc.constantFrom(B, '+')) },
  { weight: 2, arbitrary: address(fc.constant(A)) },
  {
    weight: 2,
    // MQTT.js neither sends nor refuses an empty topic; wire-fuzz.test.ts sends them
    arbitrary: fc
      .array(level, { minLength: 1, maxLength: 6 })
      .map((all) => all.join('/'))
      .filter((joined) => joined !== ''),
  },
  fc.constantFrom(
    ...['#', '+/#', '$SYS/#', '$share/g/homeostat/#', '$CONTROL/dynamic-security/v1'],
    ...[`homeostat/${B}`, `homeostat//${B}/lamp/lamp/command`, `/homeostat/${B}/lamp/lamp/command`],
    ...[`homesync/${B}/nodes/lamp/telemetry`, 'zigbee2mqtt/lamp', `homeostat/${A}/../${B}/lamp`],
  ),
);
const payload = fc.constantFrom(
  ...['{"power": 666}', '{"type": "remind"}', 'online', 'offline', '{"id": "x", "ok": true}', ''],
  JSON.stringify({ commands: [{ command: 'listClients' }] }),
);
/** What a device of B itself could say, and would be believed. */
const forged = fc
  .tuple(
    fc.constantFrom('lamp', 'door', 'stranger'),
    fc.constantFrom(
      { channel: 'telemetry', payload: '{"power": 666}' },
      { channel: 'event', payload: '{"type": "remind"}' },
      { channel: 'status', payload: 'offline' },
      { channel: 'telemetry', payload: '{"on": "nonsense"}' },
    ),
    fc.boolean(),
  )
  .map(([twin, { channel, payload }, retain]) => ({
    topic: `homeostat/${B}/lamp/${twin}/${channel}`,
    ...{ payload, retain },
  }));
const attempt: fc.Arbitrary<Attempt> = fc.record({
  who: fc.constantFrom('device', 'gateway'),
  session: fc.constantFrom('device of B', 'gateway of B', null),
  subscribe: fc.array(topic, { maxLength: 6 }),
  publish: fc.array(fc.oneof(forged, fc.record({ topic, payload, retain: fc.boolean() })), {
    maxLength: 4,
  }),
});

const PROTOCOLS = ['the embedded broker', 'Mosquitto'] as const;

describe.each(PROTOCOLS)('devices and gateways of one home at %s', (name) => {
  const missing = name === 'Mosquitto' ? dynamicSecurityMissing : null;
  const title = missing === null ? '' : ` [skipped: ${missing}]`;
  let homes: TwoHomes;
  let adapter: MqttAdapter | undefined;
  let broker: Mosquitto | null = null;
  let url: string;
  const signals = new Recorder<string>();
  const secrets: Record<string, IClientOptions> = {};

  beforeAll(async () => {
    if (missing !== null) return;
    broker = name === 'Mosquitto' ? await Mosquitto.start({ engine: ENGINE }) : null;
    homes = await TwoHomes.open({
      identity: { announce: async (account, secret) => await adapter?.announce(account, secret) },
    });
    const { engine, identity } = homes.api;
    adapter = await startMqtt({
      engine,
      signal: (signal) => signals.push(signal),
      provisioning: (home) => identity.policies.of(home) ?? 'claim',
      homesync: true,
      mode: broker
        ? { url: broker.url, ...ENGINE, accounts: identity.mqttAccounts }
        : {
            embedded: {
              ...{ host: '127.0.0.1', port: 0, portFixed: false, anonymous: false },
              authenticator: authenticatorOf(identity, () => 'id'),
            },
          },
    });
    await adapter.whenConnected();
    if (broker) await signals.first((signal) => signal === 'accounts.right');
    url = broker?.url ?? adapter.url;
    for (const [home, word] of [
      [A, ''],
      [B, ' of B'],
    ] as const) {
      const password = await identity.devices.make(home, 'lamp', 'test');
      secrets[`device${word}`] = { username: `${home}/lamp`, password };
      const made = await identity.gateways.make({ home, name: 'g', fetches: false }, 'test');
      await identity.gateways.assign(home, made.gateway.id, ['lamp', 'door'], 'test');
      secrets[`gateway${word}`] = { username: made.gateway.id, password: made.secret };
    }
    await expireCommands();
  }, 60_000);
  afterAll(async () => {
    if (missing !== null) return;
    await adapter?.[Symbol.asyncDispose]();
    await homes[Symbol.asyncDispose]();
    await broker?.[Symbol.asyncDispose]();
  });

  /** What waits for a device leaves when somebody comes, whoever that is. */
  async function expireCommands(): Promise<void> {
    homes.api.clock.advance(LONGEST_TTL_MS);
    await homes.api.engine.idle();
  }

  const come = async (who: string, session: string, heard: (text: string) => void) => {
    const client = await connectAsync(
      url,
      { ...secrets[who], clientId: session, clean: false, reconnectPeriod: 0, protocolVersion: 4 },
      false,
    );
    client.on('error', () => {});
    client.on('message', (given, text) => heard(`${given} ${String(text)}`));
    return client;
  };

  /** Devices of B have come, have subscribed, and may be away: their sessions stay. */
  async function inhabitB(): Promise<MqttClient[]> {
    const clients: MqttClient[] = [];
    for (const who of ['device of B', 'gateway of B']) {
      const client = await come(who, who, () => {});
      await client.subscribeAsync(`homeostat/${B}/lamp/lamp/command`, { qos: 1 });
      await client.subscribeAsync(`homeostat/${B}/lamp/lamp/desired`, { qos: 1 });
      clients.push(client);
    }
    return clients;
  }

  it.skipIf(missing !== null)(
    `hear nothing of another, and change nothing there${title}`,
    async () => {
      const { engine } = homes.api;
      await fc.assert(
        fc.asyncProperty(fc.array(attempt, { maxLength: 5 }), fc.boolean(), async (all, isHere) => {
          const inhabitants = await inhabitB();
          if (!isHere) await Promise.all(inhabitants.map((client) => client.endAsync()));
          const before = await homes.picture();
          const heard: string[] = [];
          const guests = new Set<MqttClient>();
          for (const { who, session, subscribe, publish } of all) {
            const client = await come(who, session ?? `${who} of A`, (text) =>
              heard.push(text),
            ).catch(() => null);
            if (!client) continue;
            guests.add(client);
            for (const filter of subscribe) await settled(client, client.subscribeAsync(filter));
            for (const { topic: to, payload: what, retain } of publish) {
              await settled(client, client.publishAsync(to, what, { qos: 1, retain }));
            }
          }
          // Nothing of this was said to B, and nothing for B is heard
          expect(await homes.picture()).toEqual(before);
          const by = { principal: CANARY, source: 'rest' };
          const device = { home: B, twin: 'lamp' };
          await engine.command(device, { name: 'blink', args: { times: 7 } }, by);
          const listening = [...guests].filter(({ connected }) => connected);
          for (const client of listening) {
            await settled(
              client,
              client.publishAsync(`homeostat/${A}/lamp/lamp/status`, 'online', { qos: 1 }),
            );
          }
          expect(heard.filter((text) => text.includes(`/${B}/`))).toEqual([]);
          for (const client of [...guests, ...inhabitants]) await client.endAsync(true);
          await expireCommands();
        }),
        { numRuns: 25 * TIMES },
      );
    },
    60_000 * TIMES,
  );
});

/** What the broker refuses it may refuse by cutting the connection. */
async function settled(client: MqttClient, attempt: Promise<unknown>): Promise<void> {
  if (!client.connected) {
    attempt.catch(() => {});
    return;
  }
  let closed = () => {};
  const end = new Promise<void>((resolve) => {
    closed = resolve;
    client.once('close', resolve);
  });
  await Promise.race([attempt.catch(() => {}), end]);
  client.removeListener('close', closed);
}
