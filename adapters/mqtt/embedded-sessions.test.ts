import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type MqttAdapter, startMqtt } from './index.ts';
import { Device } from './testing/device.ts';
import { FakeAuthenticator } from './testing/fake-authenticator.ts';
import { commandRow, FakeEngine } from './testing/fake-engine.ts';

const SECRET = 'secret';
let engine: FakeEngine;
let authenticator: FakeAuthenticator;
let adapter: MqttAdapter;
let devices: Device[];

beforeEach(async () => {
  engine = new FakeEngine();
  authenticator = new FakeAuthenticator()
    .let('one/pump', SECRET)
    .let('two/pump', SECRET)
    .let('gate', SECRET, ['one/pump', 'one/fan']);
  devices = [];
  adapter = await startMqtt({
    engine: engine.door,
    signal: () => undefined,
    provisioning: 'claim',
    mode: {
      embedded: { host: '127.0.0.1', port: 0, portFixed: false, authenticator, anonymous: false },
    },
  });
});
afterEach(async () => {
  for (const device of devices) await device[Symbol.asyncDispose]();
  await adapter[Symbol.asyncDispose]();
});

async function device(
  username: string,
  options: Parameters<typeof Device.connect>[1] = {},
): Promise<Device> {
  const made = await Device.connect(adapter.url, { username, password: SECRET, ...options });
  devices.push(made);
  return made;
}

const command = (home: string, twin: string) => `homeostat/${home}/relay/${twin}/command`;
const telemetry = (home: string, twin: string) => `homeostat/${home}/relay/${twin}/telemetry`;

describe('sessions of the embedded broker', () => {
  it('come in with their own name and password only', async () => {
    await expect(Device.connect(adapter.url)).rejects.toThrow('Not authorized');
    await expect(device('one/pump', { password: 'wrong' })).rejects.toThrow('Not authorized');
    await expect(device('one/nobody')).rejects.toThrow('Not authorized');
    await device('one/pump');
  });

  it('report under their own name', async () => {
    const pump = await device('one/pump');
    await pump.publish(telemetry('one', 'pump'), { power: 1 });
    expect(engine.dispatched.items[0]).toMatchObject({
      home: 'one',
      twin: 'pump',
      principal: 'guest:one/pump',
    });
  });

  it.each([
    ['another home', telemetry('two', 'pump')],
    ['another device', telemetry('one', 'fan')],
    ['a dialect', 'zigbee2mqtt/pump'],
    ['the engine', command('one', 'pump')],
    ['a topic of another depth', 'homeostat/one/relay/pump'],
    ['the rules of its home', 'homeostat/one/messages/pump/bell'],
    ['the rules of its home, as on a channel', 'homeostat/one/messages/pump/telemetry'],
    ['a channel that there is not', 'homeostat/one/relay/pump/junk'],
  ])('cannot speak for %s', async (_who, topic) => {
    const pump = await device('one/pump');
    const closed = pump.closed();
    pump.client.publish(topic, '{"power": 1}', { qos: 1 });
    await closed;
    expect(engine.dispatched.items).toEqual([]);
  });

  it.each([
    command('two', 'pump'),
    command('one', 'fan'),
    'homeostat/one/messages/pump/#',
    'homeostat/one/relay/pump/junk',
    'homeostat/#',
    'homeostat/one/relay/+/command',
    'homeostat/+/relay/pump/command',
    '+/one/relay/pump/command',
    '#',
    '$SYS/#',
    'zigbee2mqtt/#',
  ])('cannot listen to %s', async (filter) => {
    const pump = await device('one/pump');
    await expect(pump.subscribe(filter)).rejects.toThrow();
  });

  it('hear what is said to them', async () => {
    const pump = await device('one/pump');
    await pump.subscribe('homeostat/one/+/pump/#');
    await engine.sink?.deliver([commandRow('pump', 'c-1', { home: 'one' })]);
    expect((await pump.heard.first(() => true)).topic).toBe(command('one', 'pump'));
  });

  it('have a session of their own, whatever client id another has', async () => {
    const first = await device('two/pump', { clientId: 'same', clean: false });
    await first.subscribe(command('two', 'pump'));
    const other = await device('one/pump', { clientId: 'same', clean: false });
    expect(other.sessionPresent).toBe(false);
    await other.subscribe(command('one', 'pump'));
    await engine.sink?.deliver([commandRow('pump', 'c-1', { home: 'two' })]);
    await engine.sink?.deliver([commandRow('pump', 'c-2', { home: 'one' })]);
    expect((await first.heard.first(() => true)).topic).toBe(command('two', 'pump'));
    expect((await other.heard.first(() => true)).topic).toBe(command('one', 'pump'));
    await first[Symbol.asyncDispose]();
    const again = await device('two/pump', { clientId: 'same', clean: false });
    expect(again.sessionPresent).toBe(true);
  });

  it('have five connections at a time', async () => {
    for (let n = 0; n < 5; n++) await device('one/pump', { clientId: `c${n}` });
    await expect(device('one/pump', { clientId: 'c5' })).rejects.toThrow('Not authorized');
    // The same again takes the place of the one before
    await device('one/pump', { clientId: 'c0' });
    await device('two/pump', { clientId: 'c5' });
  });

  it('have ten sessions that outlive their connections: an eleventh ends the oldest', async () => {
    const session = async (clientId: string) => {
      const kept = await device('two/pump', { clientId, clean: false });
      await kept.subscribe(command('two', 'pump'));
      await kept[Symbol.asyncDispose]();
      return kept.sessionPresent;
    };
    for (let n = 0; n < 11; n++) expect(await session(`s${n}`)).toBe(false);
    expect(await session('s1')).toBe(true);
    expect(await session('s0')).toBe(false);
    // s2 had been away for longest then
    expect(await session('s2')).toBe(false);
  });

  it('leave no session behind when their secret ends', async () => {
    const kept = await device('one/pump', { clientId: 'kept', clean: false });
    await kept.subscribe(command('one', 'pump'));
    await kept[Symbol.asyncDispose]();
    authenticator.remove('one/pump');
    authenticator.let('one/pump', SECRET);
    const again = await device('one/pump', { clientId: 'kept', clean: false });
    expect(again.sessionPresent).toBe(false);
  });

  it('are cut off when their secret ends, and cannot come back', async () => {
    const pump = await device('one/pump');
    const other = await device('two/pump');
    const closed = pump.closed();
    authenticator.remove('one/pump');
    await closed;
    await expect(device('one/pump')).rejects.toThrow('Not authorized');
    await other.publish(telemetry('two', 'pump'), { power: 1 });
  });

  it('are refused when their secret ends while it is looked at', async () => {
    const { admit } = authenticator;
    let looks = 0;
    authenticator.admit = async (username, password) => {
      const found = await admit.call(authenticator, username, password);
      if (++looks === 1) authenticator.remove('one/pump');
      return found;
    };
    await expect(device('one/pump')).rejects.toThrow('Not authorized');
    expect(looks).toBe(2);
  });

  it('say no last will once their secret has ended', async () => {
    const pump = await device('one/pump', {
      will: { topic: 'homeostat/one/relay/pump/status', payload: Buffer.from('offline'), qos: 1 },
    });
    const other = await device('two/pump', {
      will: { topic: 'homeostat/two/relay/pump/status', payload: Buffer.from('offline'), qos: 1 },
    });
    const closed = pump.closed();
    authenticator.remove('one/pump');
    await closed;
    other.cut();
    // The will of the one that was admitted comes, and by then the other's would have come
    const [status] = await engine.dispatched.count(1);
    expect(status).toMatchObject({ home: 'two', event: { online: false } });
    expect(engine.dispatched.items).toHaveLength(1);
  });

  it('speak as a gateway for what is assigned to them, and for nothing else', async () => {
    const gate = await device('gate');
    await gate.publish(telemetry('one', 'fan'), { power: 1 });
    await gate.subscribe(command('one', 'pump'));
    await expect(gate.subscribe(command('two', 'pump'))).rejects.toThrow();
    const closed = gate.closed();
    authenticator.let('gate', SECRET, ['one/pump']);
    await closed;
    const again = await device('gate');
    const refused = again.closed();
    again.client.publish(telemetry('one', 'fan'), '{"power": 1}', { qos: 1 });
    await refused;
    expect(engine.dispatched.items).toHaveLength(1);
  });

  it('are reported once for a topic that they keep on trying', async () => {
    for (const _ of [1, 2]) {
      const pump = await device('one/pump');
      await expect(pump.subscribe(command('two', 'pump'))).rejects.toThrow();
      const closed = pump.closed();
      pump.client.publish(telemetry('two', 'pump'), '{}', { qos: 1 });
      await closed;
    }
    expect(authenticator.refusals).toEqual([
      `one/pump subscribe ${command('two', 'pump')}`,
      `one/pump publish ${telemetry('two', 'pump')}`,
    ]);
  });
});
