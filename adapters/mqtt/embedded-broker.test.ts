import { once } from 'node:events';
import { connect as dial } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../engine/model/manual-clock.ts';
import { type MqttAdapter, type MqttSignals, startMqtt } from './index.ts';
import { Device } from './testing/device.ts';
import { FakeAuthenticator } from './testing/fake-authenticator.ts';
import { commandRow, desiredRow, FakeEngine } from './testing/fake-engine.ts';
import { Recorder } from './testing/recorder.ts';

type Signal = { [N in keyof MqttSignals]: { name: N; fields: MqttSignals[N] } }[keyof MqttSignals];

let engine: FakeEngine;
let adapter: MqttAdapter;
let devices: Device[];
let signals: Recorder<Signal>;

beforeEach(async () => {
  engine = new FakeEngine();
  signals = new Recorder();
  adapter = await start();
  devices = [];
});
afterEach(async () => {
  engine.release();
  for (const device of devices) await device[Symbol.asyncDispose]();
  await adapter[Symbol.asyncDispose]();
});

function start(
  more: {
    port?: number;
    portFixed?: boolean;
    host?: string;
    limits?: { all: number };
    authenticator?: FakeAuthenticator;
  } = {},
): Promise<MqttAdapter> {
  return startMqtt({
    engine: engine.door,
    signal: (name, fields) => signals.push({ name, fields } as Signal),
    provisioning: 'open',
    mode: { embedded: { host: '127.0.0.1', port: 0, portFixed: false, ...more } },
  });
}

async function device(options: Parameters<typeof Device.connect>[1] = {}): Promise<Device> {
  const made = await Device.connect(adapter.url, options);
  devices.push(made);
  return made;
}

describe('the embedded broker', () => {
  it.each([
    ['a CONNECT that announces 4 MiB', Buffer.from([0x10, 0x80, 0x80, 0x80, 0x02])],
    ['a first packet of another type', Buffer.from([0x30, 0x80, 0x80, 0x80, 0x02])],
  ])('cuts off %s, before it has come', async (_what, head) => {
    const socket = dial(Number(new URL(adapter.url).port), '127.0.0.1');
    socket.on('error', () => {});
    const closed = once(socket, 'close');
    socket.write(head);
    await closed;
    const refused = await signals.first(({ name }) => name === 'client.refused');
    expect(refused.fields).toMatchObject({ reason: expect.stringContaining('the limit is 16384') });
  });

  it('stops although a client is being looked up that wants to come in', async () => {
    const authenticator = new FakeAuthenticator();
    const asked = new Promise<void>((resolve) => {
      authenticator.admit = () => {
        resolve();
        return new Promise(() => {});
      };
    });
    await adapter[Symbol.asyncDispose]();
    adapter = await start({ authenticator });
    const socket = dial(Number(new URL(adapter.url).port), '127.0.0.1');
    socket.on('error', () => {});
    const closed = once(socket, 'close');
    // CONNECT of MQTT 3.1.1 from the client `c`, with the name and the password `p`
    socket.write('\x10\x13\0\x04MQTT\x04\xc2\0\x3c\0\x01c\0\x01p\0\x01p', 'latin1');
    await asked;
    await adapter[Symbol.asyncDispose]();
    await closed;
    adapter = await start();
  });

  it('takes no more clients than it may', async () => {
    await adapter[Symbol.asyncDispose]();
    adapter = await start({ limits: { all: 1 } });
    await device();
    const socket = dial(Number(new URL(adapter.url).port), '127.0.0.1');
    socket.on('error', () => {});
    await once(socket, 'close');
    const refused = await signals.first(({ name }) => name === 'client.refused');
    expect(refused.fields).toMatchObject({ reason: '1 clients are connected already' });
  });

  it('acknowledges a publish after its commit', async () => {
    engine.hold();
    const relay = await device();
    let acknowledged = false;
    const published = relay
      .publish('homeostat/home/relay/pump/telemetry', { power: 12 })
      .then(() => {
        acknowledged = true;
      });
    await engine.dispatched.count(1);
    // A round trip on the same connection: the PUBACK would have come before it
    await relay.subscribe('elsewhere');
    expect(acknowledged).toBe(false);
    engine.commit();
    await published;
    expect(engine.dispatched.items[0]).toMatchObject({
      home: 'home',
      twin: 'pump',
      kind: 'relay',
      event: { type: 'telemetry', power: 12 },
      ifUnknown: 'create',
      dedupe: false,
    });
  });

  it('takes in many messages of one client while their commits wait, in order', async () => {
    engine.hold();
    const relay = await device();
    const published = Array.from({ length: 40 }, (_, power) =>
      relay.publish('homeostat/home/relay/pump/telemetry', { power }),
    );
    await engine.dispatched.count(40);
    expect(engine.dispatched.items.map(({ event }) => event.power)).toEqual([...Array(40).keys()]);
    engine.commit();
    await Promise.all(published);
  });

  it('leaves a message unacknowledged that the engine does not take, and closes the connection', async () => {
    const relay = await device();
    engine.stop();
    const closed = relay.closed();
    const published = relay.publish('homeostat/home/relay/pump/telemetry', { power: 1 });
    const unacknowledged = expect(published).rejects.toThrow('Connection closed');
    await closed;
    await relay[Symbol.asyncDispose]();
    await unacknowledged;
  });

  it('buries a malformed payload, acknowledges it and goes on', async () => {
    const relay = await device();
    await relay.publish('homeostat/home/relay/pump/telemetry', '{"power": NaN}');
    await relay.publish('homeostat/home/relay/pump/telemetry', Buffer.alloc(1_000_000, '1'));
    await relay.publish('homeostat/home/relay/pump/telemetry', { power: 3 });
    expect(engine.buried.items.map(({ hint, home, twin }) => ({ hint, home, twin }))).toEqual([
      { hint: expect.stringContaining('NaN') as string, home: 'home', twin: 'pump' },
      { hint: expect.stringContaining('split') as string, home: 'home', twin: 'pump' },
    ]);
    expect(engine.dispatched.items).toHaveLength(1);
  });

  it('closes the connection of a client that announces more than the limit', async () => {
    const socket = dial(Number(new URL(adapter.url).port), '127.0.0.1');
    await once(socket, 'connect');
    // CONNECT, then the head of a PUBLISH of 256 MiB
    socket.write(Buffer.from('100d00044d5154540402003c000161', 'hex'));
    await once(socket, 'data');
    const closed = once(socket, 'close');
    socket.write(Buffer.from('32ffffff7f', 'hex'));
    await closed;
    const { fields } = await signals.first(({ name }) => name === 'client.refused');
    expect(fields).toMatchObject({ reason: expect.stringContaining('limit') as string });
  });

  it('lets devices talk to each other on topics that are not ours', async () => {
    const [one, two] = [await device(), await device()];
    await two.subscribe('garden/#');
    await one.publish('garden/gate', 'open');
    expect(await two.heard.first(() => true)).toMatchObject({ topic: 'garden/gate', text: 'open' });
    expect(engine.buried.items).toEqual([]);
  });

  it('keeps unknown topics below the root as a dead letter, once', async () => {
    const one = await device();
    await one.publish('homeostat/home/relay/pump/telemetrie', { power: 1 });
    await one.publish('homeostat/home/relay/pump/telemetrie', { power: 1 });
    expect(engine.buried.items).toMatchObject([
      { error: 'unknown topic homeostat/home/relay/pump/telemetrie', home: null },
    ]);
  });

  it('tells of a device that broke off by its Last Will', async () => {
    const relay = await device({
      will: { topic: 'homeostat/home/relay/pump/status', payload: 'offline', qos: 1, retain: true },
    });
    relay.cut();
    const envelope = await engine.dispatched.first(({ event }) => event.type === 'status');
    expect(envelope.event).toEqual({ type: 'status', online: false });
  });

  it('fires no Last Will for a stop of its own', async () => {
    await device({
      will: { topic: 'homeostat/home/relay/pump/status', payload: 'offline', qos: 1, retain: true },
    });
    await adapter[Symbol.asyncDispose]();
    expect(engine.dispatched.items).toEqual([]);
  });

  it.each([
    ['a command', 'homeostat/home/relay/pump/command'],
    ['a desired state', 'homeostat/home/relay/pump/desired'],
    ['a topic of the system', '$SYS/fake'],
  ])('closes the connection of a client that publishes %s', async (_what, topic) => {
    const forger = await device();
    const closed = forger.closed();
    forger.client.publish(topic, '{}', { qos: 1 });
    await closed;
  });

  it('refuses a subscription to $SYS', async () => {
    const spy = await device();
    await expect(spy.subscribe('$SYS/#')).rejects.toThrow();
  });

  it('takes the next port when the wanted one is taken, unless it is fixed', async () => {
    const port = Number(new URL(adapter.url).port);
    const second = await start({ port });
    expect(Number(new URL(second.url).port)).toBeGreaterThan(port);
    expect(signals.items.at(-1)).toMatchObject({ name: 'listening', fields: { moved: true } });
    await second[Symbol.asyncDispose]();
    await expect(start({ port, portFixed: true })).rejects.toThrow('EADDRINUSE');
  });

  it('listens beyond loopback only when it can check passwords', async () => {
    await expect(start({ host: '0.0.0.0' })).rejects.toThrow('127.0.0.1 only');
    const guarded = await startMqtt({
      engine: engine.door,
      signal: () => undefined,
      provisioning: 'claim',
      mode: {
        embedded: {
          ...{ host: '0.0.0.0', port: 0, portFixed: false },
          authenticator: new FakeAuthenticator().let('home/pump', 'secret'),
        },
      },
    });
    const url = guarded.url.replace('0.0.0.0', '127.0.0.1');
    await expect(Device.connect(url)).rejects.toThrow();
    await expect(
      Device.connect(url, { username: 'home/pump', password: 'wrong' }),
    ).rejects.toThrow();
    devices.push(await Device.connect(url, { username: 'home/pump', password: 'secret' }));
    await guarded[Symbol.asyncDispose]();
  });
});

describe('messages to devices of the embedded broker', () => {
  const deliver = async (...rows: Parameters<typeof commandRow>[]) =>
    await engine.sink?.deliver(rows.map((args) => commandRow(...args)));

  it('delivers a command when its device has acknowledged it', async () => {
    const pump = await device();
    await pump.subscribe('homeostat/home/relay/pump/command');
    expect(await deliver(['pump', 'home/pump@3#0'])).toEqual([{ status: 'delivered' }]);
    const { text, packet } = await pump.heard.first(() => true);
    expect(JSON.parse(text)).toMatchObject({
      id: 'home/pump@3#0',
      name: 'switch',
      args: { on: true },
    });
    expect(packet).toMatchObject({ qos: 1, retain: false });
  });

  it('keeps a command in the outbox while nobody is subscribed, and wakes it when somebody is', async () => {
    expect(await deliver(['pump', 'a'])).toMatchObject([{ status: 'retry' }]);
    const pump = await device();
    const before = engine.wakes.items.length;
    await pump.subscribe('homeostat/home/relay/+/command');
    await engine.wakes.count(before + 1);
    expect(await deliver(['pump', 'a'])).toEqual([{ status: 'delivered' }]);
  });

  it('does not take an onlooker for the device', async () => {
    const onlooker = await device();
    await onlooker.subscribe('#', 0);
    expect(await deliver(['pump', 'a'])).toMatchObject([{ status: 'retry' }]);
    const simple = await device();
    await simple.subscribe('homeostat/home/relay/pump/command', 0);
    expect(await deliver(['pump', 'a'])).toEqual([{ status: 'delivered' }]);
  });

  it('settles each command by itself', async () => {
    const pump = await device();
    await pump.subscribe('homeostat/home/relay/pump/command');
    expect(await deliver(['fan', 'a'], ['pump', 'b'], ['fan', 'c'], ['pump', 'd'])).toMatchObject([
      { status: 'retry' },
      { status: 'delivered' },
      { status: 'retry' },
      { status: 'delivered' },
    ]);
    expect(pump.heard.items.map(({ text }) => JSON.parse(text).id)).toEqual(['b', 'd']);
  });

  it('gives back a command whose device breaks off before it acknowledges, and sends it once more after', async () => {
    const pump = await device({ clientId: 'pump', clean: false });
    await pump.subscribe('homeostat/home/relay/pump/command');
    // Takes the message and never acknowledges
    pump.client.handleMessage = () => undefined;
    const outcome = deliver(['pump', 'a']);
    await pump.heard.first(() => true);
    pump.cut();
    expect(await outcome).toMatchObject([{ status: 'retry' }]);
    const before = engine.wakes.items.length;
    const again = await device({ clientId: 'pump', clean: false });
    await engine.wakes.count(before + 1);
    expect(await deliver(['pump', 'a'])).toEqual([{ status: 'delivered' }]);
    // Nothing out of the broker's own memory: an expired command could be in it
    await again.subscribe('elsewhere');
    expect(again.heard.items).toHaveLength(1);
  });

  it('reaches a device whose connection broke while its subscription was being answered', async () => {
    const readings = new Recorder<() => void>();
    engine.readTwin = () => new Promise((resolve) => readings.push(() => resolve(null)));
    const topics = ['homeostat/home/relay/pump/desired', 'homeostat/home/relay/pump/command'];
    const options = { clientId: 'pump', clean: false };
    const pump = await device(options);
    const refused = expect(pump.client.subscribeAsync(topics, { qos: 1 })).rejects.toThrow();
    const read = await readings.first(() => true);
    pump.cut();
    await refused;
    // A round trip: the broker has noticed
    await (await device()).publish('elsewhere', '{}');
    engine.readTwin = async () => null;
    read();

    const again = await device(options);
    // As MQTT.js does, which subscribes again when the broker says that it knows no session
    await again.client.subscribeAsync(again.sessionPresent ? 'elsewhere' : topics, { qos: 1 });
    expect(await deliver(['pump', 'a'])).toEqual([{ status: 'delivered' }]);
  });

  it('remembers an acknowledgement that comes after it has stopped waiting, and sends nothing twice', async () => {
    const clock = new ManualClock(Date.now());
    engine = new FakeEngine(clock);
    await adapter[Symbol.asyncDispose]();
    adapter = await start();
    const pump = await device();
    await pump.subscribe('homeostat/home/relay/pump/command');
    let acknowledge = () => undefined as unknown;
    pump.client.handleMessage = (_packet, callback) => {
      acknowledge = callback;
    };
    const outcome = deliver(['pump', 'a'], ['fan', 'b']);
    await pump.heard.count(1);
    clock.advance(2_000);
    expect(await outcome).toMatchObject([{ status: 'retry' }, { status: 'retry' }]);

    const again = deliver(['pump', 'a']);
    clock.advance(2_000);
    expect(await again).toMatchObject([
      { status: 'retry', error: expect.stringContaining('not acknowledged it yet') as string },
    ]);
    const before = engine.wakes.items.length;
    acknowledge();
    await engine.wakes.count(before + 1);
    expect(await deliver(['pump', 'a'])).toEqual([{ status: 'delivered' }]);
    expect(pump.heard.items).toHaveLength(1);
  });

  it('retains the desired state', async () => {
    expect(await engine.sink?.deliver([desiredRow('trv', { targetTemperature: 21 }, 7)])).toEqual([
      { status: 'delivered' },
    ]);
    const trv = await device();
    await trv.subscribe('homeostat/home/thermostat/trv/desired');
    const { text, packet } = await trv.heard.first(() => true);
    expect(JSON.parse(text)).toEqual({ revision: 7, desired: { targetTemperature: 21 } });
    expect(packet.retain).toBe(true);
  });

  it('retains the desired state again after a restart, when a device asks for it', async () => {
    engine.addTwin('home', 'trv', { targetTemperature: 19 }, 4);
    engine.addTwin('home', 'other', { targetTemperature: 15 }, 2);
    const trv = await device();
    await trv.subscribe('homeostat/home/thermostat/trv/desired');
    const { text, packet } = await trv.heard.first(() => true);
    expect(JSON.parse(text)).toEqual({ revision: 4, desired: { targetTemperature: 19 } });
    expect(packet.retain).toBe(true);

    const fleet = await device();
    await fleet.subscribe('homeostat/home/+/+/desired');
    await fleet.heard.count(2);
    // The sink has the last word
    await engine.sink?.deliver([desiredRow('trv', { targetTemperature: 23 }, 5)]);
    const late = await device();
    await late.subscribe('homeostat/home/thermostat/trv/desired');
    expect(JSON.parse((await late.heard.first(() => true)).text)).toMatchObject({ revision: 5 });
  });
});
