/** What clients of the embedded broker can make it keep, and whom they can hold up. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type MqttAdapter, startMqtt } from './index.ts';
import { Device } from './testing/device.ts';
import { FakeAuthenticator } from './testing/fake-authenticator.ts';
import { desiredRow, FakeEngine } from './testing/fake-engine.ts';

const SECRET = 'secret';
let engine: FakeEngine;
let adapter: MqttAdapter;
let devices: Device[];
let refusals: string[];

beforeEach(async () => {
  engine = new FakeEngine();
  devices = [];
  refusals = [];
  adapter = await startMqtt({
    engine: engine.door,
    signal: (name, fields) => {
      if (name === 'client.refused') refusals.push((fields as { reason: string }).reason);
    },
    provisioning: 'claim',
    mode: {
      embedded: {
        host: '127.0.0.1',
        port: 0,
        portFixed: false,
        authenticator: new FakeAuthenticator().let('home/pump', SECRET).let('home/fan', SECRET),
        // Who comes without a name stands for a bridge: it hears everything
        anonymous: true,
      },
    },
  });
});
afterEach(async () => {
  for (const device of devices) await device[Symbol.asyncDispose]();
  await adapter[Symbol.asyncDispose]();
});

async function client(options: Parameters<typeof Device.connect>[1] = {}): Promise<Device> {
  const made = await Device.connect(adapter.url, options);
  devices.push(made);
  return made;
}
const device = (twin: string, options: Parameters<typeof Device.connect>[1] = {}) =>
  client({ username: `home/${twin}`, password: SECRET, ...options });
const topic = (channel: string, twin = 'pump') => `homeostat/home/relay/${twin}/${channel}`;

describe('what devices say', () => {
  it('is passed on and not retained, whatever they ask for', async () => {
    const pump = await device('pump');
    await pump.publish(topic('status'), 'online', true);
    const bridge = await client();
    await bridge.subscribe('#');
    await pump.publish(topic('telemetry'), { power: 1 }, true);
    expect((await bridge.heard.first(() => true)).topic).toBe(topic('telemetry'));
  });

  it('is not heard by devices, themselves neither', async () => {
    const pump = await device('pump');
    await pump.subscribe('homeostat/home/+/pump/#');
    await pump.publish(topic('telemetry'), { power: 1 });
    // The same way as what devices say, and behind it
    await engine.sink?.deliver([desiredRow('pump', { on: true }, 1)]);
    expect((await pump.heard.first(() => true)).text).toContain('"on":true');
  });

  it('waits for a session whose client is away: a thousand messages, the newest', async () => {
    const away = await client({ clientId: 'away', clean: false });
    await away.subscribe('homeostat/#');
    await away[Symbol.asyncDispose]();
    const pump = await device('pump');
    for (let power = 1; power <= 1_005; power++) {
      await pump.publish(topic('telemetry'), { power });
    }
    const back = await client({ clientId: 'away', clean: false });
    const last = await back.heard.first(({ text }) => text === '{"power":1005}');
    expect(last.topic).toBe(topic('telemetry'));
    expect(back.heard.items[0]?.text).toBe('{"power":6}');
    expect(back.heard.items).toHaveLength(1_000);
  });

  it('waits up to a mebibyte', async () => {
    const away = await client({ clientId: 'away', clean: false });
    await away.subscribe('homeostat/#');
    await away[Symbol.asyncDispose]();
    const pump = await device('pump');
    for (let n = 0; n < 6; n++) await pump.publish(topic('status'), String(n).repeat(400_000));
    const back = await client({ clientId: 'away', clean: false });
    await back.heard.first(({ text }) => text.startsWith('5'));
    expect(back.heard.items.map(({ text }) => text[0])).toEqual(['4', '5']);
  });
});

describe('filters of a device', () => {
  it('are twenty in a session, whoever unsubscribes has others', async () => {
    const pump = await device('pump', { clientId: 'p', clean: false });
    const filters = Array.from({ length: 20 }, (_, n) => `homeostat/home/kind${n}/pump/command`);
    await pump.client.subscribeAsync(filters);
    await expect(pump.subscribe(topic('command'))).rejects.toThrow();
    await pump.client.unsubscribeAsync(filters.slice(0, 1));
    await pump.subscribe(topic('command'));
    await pump[Symbol.asyncDispose]();
    const again = await device('pump', { clientId: 'p', clean: false });
    await expect(again.subscribe(filters[0] as string)).rejects.toThrow();
  });

  it('name a kind that there can be', async () => {
    const pump = await device('pump');
    await expect(pump.subscribe(`homeostat/home/${'k'.repeat(100)}/pump/#`)).rejects.toThrow();
  });
});

describe('a client that does not read', () => {
  it('is cut off, and holds up nobody else’s messages', async () => {
    const mute = await device('pump');
    await mute.subscribe('homeostat/home/+/pump/#', 0);
    mute.client.stream.unpipe();
    mute.client.stream.pause();
    const isCut = () => refusals.some((reason) => reason.includes('does not read'));
    const fan = await device('fan');
    await fan.subscribe('homeostat/home/+/fan/desired');
    const text = 'x'.repeat(200_000);
    for (let revision = 1; revision <= 300 && !isCut(); revision++) {
      void engine.sink?.deliver([desiredRow('pump', { text, revision }, revision)]);
      await new Promise(setImmediate);
    }
    expect(isCut()).toBe(true);
    await engine.sink?.deliver([desiredRow('fan', { on: true }, 1)]);
    expect((await fan.heard.first(() => true)).text).toContain('"on":true');
  });
});
