import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type ExternalMode,
  type MqttAdapter,
  type MqttOptions,
  type MqttSignals,
  startMqtt,
} from './index.ts';
import { Device } from './testing/device.ts';
import { commandRow, desiredRow, FakeEngine } from './testing/fake-engine.ts';
import { Mosquitto, mosquittoMissing } from './testing/mosquitto.ts';
import { Recorder } from './testing/recorder.ts';

type Signal = { [N in keyof MqttSignals]: { name: N; fields: MqttSignals[N] } }[keyof MqttSignals];

const TELEMETRY = 'homeostat/home/relay/pump/telemetry';

describe.skipIf(mosquittoMissing)(
  `the session at a broker${mosquittoMissing ? ` [skipped: ${mosquittoMissing}]` : ''}`,
  () => {
    let broker: Mosquitto;
    let engine: FakeEngine;
    let signals: Recorder<Signal>;
    let open: AsyncDisposable[];

    beforeEach(async () => {
      broker = await Mosquitto.start();
      engine = new FakeEngine();
      signals = new Recorder();
      open = [broker];
    });
    afterEach(async () => {
      engine.release();
      for (const one of open.reverse()) await one[Symbol.asyncDispose]();
    });

    /** Resolves when connected and subscribed. */
    async function start(
      more: Partial<MqttOptions> = {},
      mode: Partial<ExternalMode> = {},
    ): Promise<MqttAdapter> {
      const before = engine.wakes.items.length;
      const adapter = await startMqtt({
        engine: engine.door,
        signal: (name, fields) => signals.push({ name, fields } as Signal),
        provisioning: 'claim',
        drainMs: 50,
        mode: { url: broker.url, reconnect: { firstMs: 20, maxMs: 50 }, ...mode },
        ...more,
      });
      open.push(adapter);
      await engine.wakes.count(before + 1);
      return adapter;
    }
    async function device(options: Parameters<typeof Device.connect>[1] = {}): Promise<Device> {
      const made = await Device.connect(broker.url, { protocolVersion: 5, ...options });
      open.push(made);
      return made;
    }

    it('takes in many messages while their commits wait, in order', async () => {
      engine.hold();
      const adapter = await start();
      const pump = await device();
      for (let power = 0; power < 40; power++) await pump.publish(TELEMETRY, { power });
      await engine.dispatched.count(40);
      expect(engine.dispatched.items.map(({ event }) => event.power)).toEqual([
        ...Array(40).keys(),
      ]);
      expect(adapter.stats()).toEqual({ connected: true, underway: 40 });
      expect(engine.dispatched.items[0]).toMatchObject({
        ifUnknown: 'candidate',
        source: 'mqtt',
        dedupe: false,
      });
    });

    it('acknowledges after the commit only: what was not committed comes again with DUP, the rest does not', async () => {
      engine.hold();
      const first = await start();
      const pump = await device();
      await pump.publish(TELEMETRY, { power: 1 });
      await pump.publish(TELEMETRY, { power: 2 });
      await engine.dispatched.count(2);
      engine.commit(1);
      // A stop waits for the first to be acknowledged, and not for ever for the second
      await first[Symbol.asyncDispose]();

      const later = new FakeEngine();
      engine = later;
      await start();
      const [again] = await later.dispatched.count(1);
      expect(again).toMatchObject({ event: { power: 2 }, dedupe: true });
      // The same id as the first time, so that the twin knows it
      await pump.publish(TELEMETRY, { power: 3 });
      await later.dispatched.count(2);
      expect(later.dispatched.items.map(({ event }) => event.power)).toEqual([2, 3]);
    });

    it('acknowledges nothing on a later connection', async () => {
      engine.hold();
      await start();
      const pump = await device();
      await pump.publish(TELEMETRY, { power: 1 });
      const [first] = await engine.dispatched.count(1);
      await broker.stop();
      await signals.first(({ name }) => name === 'disconnected');
      await broker.start();
      // It is sent again under its packet id while the first commit is still under way
      const [, again] = await engine.dispatched.count(2);
      expect(again).toMatchObject({ id: first?.id, dedupe: true });
      engine.commit(1);
      await broker.stop();
      await broker.start();
      // Committed on the first connection, acknowledged on none: so it comes a third time
      await engine.dispatched.count(3);
      engine.release();
    });

    it('loses nothing that is published while it is away', async () => {
      const first = await start();
      await first[Symbol.asyncDispose]();
      const pump = await device();
      for (let power = 0; power < 1_500; power++) await pump.publish(TELEMETRY, { power });
      // The broker itself goes through a restart meanwhile
      await broker.stop();
      await broker.start();
      await start();
      await engine.dispatched.count(1_500);
      expect(engine.dispatched.items.map(({ event }) => event.power)).toEqual([
        ...Array(1_500).keys(),
      ]);
    });

    it('buries a malformed payload and goes on with the next', async () => {
      await start();
      const pump = await device();
      await pump.publish(TELEMETRY, '{"power": 1,}');
      await pump.publish(TELEMETRY, Buffer.alloc(1_000_000, '1'));
      await pump.publish('homeostat/nonsense', '{}');
      await pump.publish(TELEMETRY, { power: 2, id: 'mine' });
      const [next] = await engine.dispatched.count(1);
      expect(next).toMatchObject({ id: 'mine', dedupe: true, event: { power: 2 } });
      expect(engine.buried.items.map(({ error }) => error)).toEqual([
        expect.stringContaining('not JSON'),
        expect.stringContaining('1000000 bytes'),
        'unknown topic homeostat/nonsense',
      ]);
    });

    it('takes a message once that two of its subscriptions match', async () => {
      await start({ zigbee2mqtt: {} });
      const bridge = await device();
      await bridge.publish('zigbee2mqtt/bridge/devices', '[]', true);
      await bridge.publish('zigbee2mqtt/bridge/groups', '[]', true);
      await bridge.publish(TELEMETRY, { power: 1 });
      await engine.dispatched.count(1);
      const lists = signals.items.filter(
        ({ name, fields }) =>
          name === 'packet.settled' && 'codec' in fields && fields.codec === 'zigbee2mqtt',
      );
      expect(lists).toHaveLength(2);
    });

    it('reads a sender’s id from the MQTT 5 user property', async () => {
      await start();
      const pump = await device();
      await pump.client.publishAsync(TELEMETRY, '{"power": 1}', {
        qos: 1,
        properties: { userProperties: { id: 'reading-7' } },
      });
      expect(await engine.dispatched.first(() => true)).toMatchObject({
        id: 'reading-7',
        dedupe: true,
      });
    });

    it('stops taking in when its window is full and goes on when there is room', async () => {
      engine.hold();
      const adapter = await start({ receiveMaximum: 5 });
      const pump = await device();
      const publish = async (from: number, to: number) => {
        for (let power = from; power < to; power++) await pump.publish(TELEMETRY, { power });
      };
      await publish(0, 20);
      await engine.dispatched.count(5);
      await publish(20, 30);
      expect(adapter.stats().underway).toBe(5);
      engine.release();
      await engine.dispatched.count(30);
      expect(engine.dispatched.items.map(({ event }) => event.power)).toEqual([
        ...Array(30).keys(),
      ]);
    });

    it('delivers a command with an expiry, and a desired state retained', async () => {
      await start();
      const pump = await device();
      await pump.subscribe('homeostat/home/relay/pump/command');
      const outcomes = await engine.sink?.deliver([
        commandRow('pump', 'home/pump@3#0'),
        desiredRow('trv', { targetTemperature: 20 }, 2),
      ]);
      expect(outcomes).toEqual([{ status: 'delivered' }, { status: 'delivered' }]);
      const { text, packet } = await pump.heard.first(() => true);
      expect(JSON.parse(text)).toMatchObject({ id: 'home/pump@3#0', name: 'switch' });
      const expiry = packet.properties?.messageExpiryInterval ?? 0;
      expect(expiry).toBeGreaterThan(50);
      expect(expiry).toBeLessThanOrEqual(60);
      expect({ ...packet.properties?.userProperties }).toEqual({ id: 'home/pump@3#0' });

      const trv = await device();
      await trv.subscribe('homeostat/home/thermostat/trv/desired');
      expect((await trv.heard.first(() => true)).packet.retain).toBe(true);
    });

    it('keeps a command in the outbox that the broker would drop, and wakes it when the device is there', async () => {
      await start();
      expect(await engine.sink?.deliver([commandRow('pump', 'a')])).toEqual([
        { status: 'retry', error: expect.stringContaining('nobody is subscribed') as string },
      ]);
      const pump = await device();
      await pump.subscribe('homeostat/home/relay/pump/command');
      const before = engine.wakes.items.length;
      await pump.publish('homeostat/home/relay/pump/status', 'online');
      await engine.wakes.count(before + 1);
      expect(await engine.sink?.deliver([commandRow('pump', 'a')])).toEqual([
        { status: 'delivered' },
      ]);
    });

    it('answers retry while the broker is away, in flight or not, and wakes the outbox on return', async () => {
      await start();
      await broker.stop();
      await signals.first(({ name }) => name === 'disconnected');
      expect(await engine.sink?.deliver([commandRow('pump', 'a'), commandRow('fan', 'b')])).toEqual(
        [
          { status: 'retry', error: 'not connected to the broker', scope: 'destination' },
          { status: 'retry', error: 'not connected to the broker', scope: 'destination' },
        ],
      );
      const before = engine.wakes.items.length;
      await broker.start();
      await engine.wakes.count(before + 1);
    });

    it('sends many commands at once and keeps their order', async () => {
      await start();
      const pump = await device();
      await pump.subscribe('homeostat/home/relay/+/command');
      const rows = Array.from({ length: 1_200 }, (_, n) => commandRow(`relay-${n % 7}`, `${n}`));
      const outcomes = await engine.sink?.deliver(rows);
      expect(outcomes?.every(({ status }) => status === 'delivered')).toBe(true);
      await pump.heard.count(1_200);
      expect(pump.heard.items.map(({ text }) => JSON.parse(text).id)).toEqual(
        rows.map(({ id }) => id),
      );
    });

    it('stops at once while its subscriptions are unanswered and a message waits', async () => {
      engine.hold();
      const adapter = await start({ receiveMaximum: 1 });
      const pump = await device();
      await pump.publish(TELEMETRY, { power: 1 });
      await engine.dispatched.count(1);
      await broker.stop();
      await broker.start();
      await signals.some(2, ({ name }) => name === 'connected');
      await adapter[Symbol.asyncDispose]();
      expect(adapter.connected()).toBe(false);
    });

    it('starts while the broker is away', async () => {
      await broker.stop();
      const adapter = await startMqtt({
        engine: engine.door,
        signal: (name, fields) => signals.push({ name, fields } as Signal),
        provisioning: 'claim',
        mode: { url: broker.url, reconnect: { firstMs: 20, maxMs: 50 } },
      });
      open.push(adapter);
      await signals.first(({ name }) => name === 'connection.failed');
      expect(adapter.connected()).toBe(false);
      await broker.start();
      await engine.wakes.count(1);
      expect(adapter.connected()).toBe(true);
    });

    it('speaks zigbee2mqtt over a real broker, and knows its devices again after a restart', async () => {
      const bridge = await device();
      const list = [
        {
          ieee_address: '0x0c4314fffe20d4f1',
          type: 'EndDevice',
          friendly_name: 'living-room/trv',
          definition: {
            exposes: [
              {
                type: 'climate',
                features: [
                  { type: 'numeric', property: 'current_heating_setpoint' },
                  { type: 'numeric', property: 'local_temperature' },
                ],
              },
            ],
          },
        },
      ];
      await bridge.publish('zigbee2mqtt/bridge/devices', list, true);
      await bridge.subscribe('zigbee2mqtt/+/+/set');
      for (const round of [1, 2]) {
        engine = new FakeEngine();
        const adapter = await start({ zigbee2mqtt: { home: 'home' } });
        await bridge.publish('zigbee2mqtt/living-room/trv', { local_temperature: 19.5 + round });
        expect(await engine.dispatched.first(() => true)).toMatchObject({
          home: 'home',
          twin: 'living-room.trv',
          kind: 'thermostat',
          via: 'zigbee2mqtt:living-room/trv',
          event: { type: 'telemetry', temperature: 19.5 + round },
        });
        const row = commandRow('living-room.trv', `r${round}`, {
          ...{ name: 'set-target', args: { targetTemperature: 21 }, kind: 'thermostat' },
          via: 'zigbee2mqtt:living-room/trv',
        });
        expect(await engine.sink?.deliver([row])).toEqual([{ status: 'delivered' }]);
        await bridge.heard.count(round);
        expect(bridge.heard.items.at(-1)).toMatchObject({
          topic: 'zigbee2mqtt/living-room/trv/set',
          text: '{"current_heating_setpoint":21}',
        });
        await adapter[Symbol.asyncDispose]();
      }
    });
  },
);

describe.skipIf(mosquittoMissing)('the shipped Mosquitto configuration', () => {
  it('lets the engine and devices do their part, by password, and no more', async () => {
    await using broker = await Mosquitto.start({
      users: { homeostat: 'engine', 'flat/hall': 'device', 'other/hall': 'device' },
    });
    const engine = new FakeEngine();
    await expect(Device.connect(broker.url, { protocolVersion: 5 })).rejects.toThrow(/authorized/i);
    await using adapter = await startMqtt({
      engine: engine.door,
      signal: () => undefined,
      provisioning: 'claim',
      mode: { url: broker.url, username: 'homeostat', password: 'engine' },
    });
    await engine.wakes.count(1);
    expect(adapter.url).toBe(broker.url);
    const login = { protocolVersion: 5 as const, password: 'device' };
    const topics = 'homeostat/flat/relay/hall';
    await using hall = await Device.connect(broker.deviceUrl, { ...login, username: 'flat/hall' });
    await hall.subscribe(`${topics}/command`);
    await hall.publish(`${topics}/telemetry`, { power: 4 });
    await engine.dispatched.count(1);
    expect(await engine.sink?.deliver([commandRow('hall', 'a', { home: 'flat' })])).toEqual([
      { status: 'delivered' },
    ]);
    await hall.heard.count(1);
    for (const [username, topic] of [
      ['flat/hall', 'homeostat/flat/relay/fan/telemetry'],
      ['flat/hall', 'homeostat/other/relay/hall/telemetry'],
      ['other/hall', `${topics}/telemetry`],
    ] as const) {
      await using device = await Device.connect(broker.url, { ...login, username });
      await expect(device.publish(topic, { power: 1 })).rejects.toThrow(/authorized/i);
    }
  });
});
