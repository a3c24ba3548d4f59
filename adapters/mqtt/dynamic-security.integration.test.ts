import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type MqttAdapter, type MqttSignals, startMqtt } from './index.ts';
import { Device } from './testing/device.ts';
import { FakeAuthenticator } from './testing/fake-authenticator.ts';
import { commandRow, FakeEngine } from './testing/fake-engine.ts';
import { dynamicSecurityMissing, Mosquitto } from './testing/mosquitto.ts';
import { Recorder } from './testing/recorder.ts';

const ENGINE = { username: 'homeostat', password: 'of the engine' };
const SECRET = 'of a device';
const telemetry = (home: string, twin: string) => `homeostat/${home}/relay/${twin}/telemetry`;
const command = (home: string, twin: string) => `homeostat/${home}/relay/${twin}/command`;

describe.skipIf(dynamicSecurityMissing)(
  `accounts at a broker${dynamicSecurityMissing ? ` [skipped: ${dynamicSecurityMissing}]` : ''}`,
  () => {
    let broker: Mosquitto;
    let engine: FakeEngine;
    let book: FakeAuthenticator;
    let signals: Recorder<{ name: string; fields: unknown }>;
    let adapter: MqttAdapter;
    let open: AsyncDisposable[];
    let starts: number;

    beforeEach(async () => {
      broker = await Mosquitto.start({ engine: ENGINE });
      engine = new FakeEngine();
      book = new FakeAuthenticator();
      signals = new Recorder();
      open = [broker];
      starts = 0;
      adapter = await start();
    });
    afterEach(async () => {
      for (const one of open.reverse()) await one[Symbol.asyncDispose]();
    });

    /** Whether or not the broker lets it in. */
    async function begin(): Promise<MqttAdapter> {
      const made = await startMqtt({
        engine: engine.door,
        signal: <N extends keyof MqttSignals>(name: N, fields: MqttSignals[N]) =>
          signals.push({ name, fields }),
        provisioning: 'claim',
        drainMs: 50,
        mode: {
          ...{ url: broker.url, ...ENGINE, accounts: book },
          reconnect: { firstMs: 20, maxMs: 50 },
        },
      });
      open.push(made);
      return made;
    }

    async function start(): Promise<MqttAdapter> {
      const made = await begin();
      await made.whenConnected();
      await signals.some(++starts, ({ name }) => name === 'accounts.right');
      return made;
    }

    /** As identity does it: told to the broker, then it counts. */
    async function give(username: string, devices: readonly string[] = [username]): Promise<void> {
      const found = new FakeAuthenticator().let(username, SECRET, devices);
      const account = await found.find(username);
      if (account) await adapter.announce(account, SECRET);
      book.let(username, SECRET, devices);
      await signals.first(
        ({ name, fields }) =>
          name === 'account.told' && (fields as { username: string }).username === username,
      );
    }
    async function device(
      username: string,
      { at = broker.url, ...options }: Parameters<typeof Device.connect>[1] & { at?: string } = {},
    ): Promise<Device> {
      const made = await Device.connect(at, {
        ...{ protocolVersion: 5, username, password: SECRET, ...options },
      });
      open.push(made);
      return made;
    }

    /** On a connection of its own: Mosquitto 2.0 ends it with the next packet. */
    async function refuses(username: string, topic: string): Promise<void> {
      const made = await device(username);
      await expect(made.publish(topic, {})).rejects.toThrow('Not authorized');
    }

    it('lets nobody in without one', async () => {
      await expect(Device.connect(broker.url)).rejects.toThrow('Not authorized');
      await expect(device('one/pump')).rejects.toThrow('Not authorized');
    });

    it('lets a device speak and hear for itself', async () => {
      await give('one/pump');
      const pump = await device('one/pump');
      await pump.publish(telemetry('one', 'pump'), { power: 1 });
      expect((await engine.dispatched.count(1))[0]).toMatchObject({ home: 'one', twin: 'pump' });
      await pump.subscribe(command('one', 'pump'));
      expect(await engine.sink?.deliver([commandRow('pump', 'c-1', { home: 'one' })])).toEqual([
        { status: 'delivered' },
      ]);
      expect((await pump.heard.first(() => true)).topic).toBe(command('one', 'pump'));
    });

    it('lets it neither speak nor hear for another', async () => {
      await give('one/pump');
      await refuses('one/pump', telemetry('two', 'pump'));
      await refuses('one/pump', command('one', 'pump'));
      const pump = await device('one/pump');
      await expect(pump.subscribe('homeostat/#')).rejects.toThrow();
      await expect(pump.subscribe(command('two', 'pump'))).rejects.toThrow();
    });

    it.each([
      'homeostat/one/messages/pump/bell',
      'homeostat/one/messages/pump/telemetry',
      'homeostat/one/relay/pump/junk',
    ])('lets it not speak for what is no channel of its own: %s', async (topic) => {
      await give('one/pump');
      await refuses('one/pump', topic);
    });

    it('names a device’s session by its user, so that no client id keeps another out', async () => {
      await give('one/pump');
      await give('two/pump');
      const first = await device('two/pump', { clientId: 'same', at: broker.deviceUrl });
      await device('one/pump', { clientId: 'same', at: broker.deviceUrl });
      await first.publish(telemetry('two', 'pump'), { power: 1 });
      // And it has one session, whatever id it gives
      const closed = first.closed();
      await device('two/pump', { clientId: 'another', at: broker.deviceUrl });
      await closed;
    });

    it('knows bridges from the beginning, each for its topics', async () => {
      const made = await Mosquitto.start({
        engine: ENGINE,
        bridges: [{ username: 'zigbee2mqtt', password: 'z', topics: ['zigbee2mqtt/#'] }],
      });
      open.push(made);
      const bridge = await Device.connect(made.url, {
        ...{ protocolVersion: 5, username: 'zigbee2mqtt', password: 'z' },
      });
      open.push(bridge);
      await bridge.publish('zigbee2mqtt/valve', {});
      await expect(bridge.publish(telemetry('one', 'pump'), {})).rejects.toThrow('Not authorized');
    });

    it('lets nobody inherit what another has subscribed to under the same client id', async () => {
      await give('one/pump');
      await give('two/pump');
      const session = {
        clientId: 'same',
        clean: false,
        properties: { sessionExpiryInterval: 60 },
      };
      const first = await device('two/pump', session);
      await first.subscribe(command('two', 'pump'));
      await first[Symbol.asyncDispose]();
      const thief = await device('one/pump', session);
      await thief.subscribe(command('one', 'pump'));
      await engine.sink?.deliver([commandRow('pump', 'c-1', { home: 'two' })]);
      await engine.sink?.deliver([commandRow('pump', 'c-2', { home: 'one' })]);
      expect((await thief.heard.first(() => true)).topic).toBe(command('one', 'pump'));
    });

    it('cuts a device off when its secret ends, and lets it come back no more', async () => {
      await give('one/pump');
      const pump = await device('one/pump');
      const closed = pump.closed();
      book.remove('one/pump');
      await closed;
      await expect(device('one/pump')).rejects.toThrow('Not authorized');
    });

    it('cuts off what has ended while nobody could tell the broker', async () => {
      await give('one/pump');
      await adapter[Symbol.asyncDispose]();
      const pump = await device('one/pump');
      const closed = pump.closed();
      book.remove('one/pump');
      adapter = await start();
      await closed;
      await expect(device('one/pump')).rejects.toThrow('Not authorized');
    });

    it('follows what is assigned to a gateway', async () => {
      await give('gate', ['one/pump']);
      const gate = await device('gate');
      await gate.publish(telemetry('one', 'pump'), { power: 1 });
      await refuses('gate', telemetry('one', 'fan'));
      const told = signals.items.filter(({ name }) => name === 'account.told').length;
      book.let('gate', SECRET, ['one/fan']);
      await signals.some(told + 1, ({ name }) => name === 'account.told');
      await gate.publish(telemetry('one', 'fan'), { power: 1 });
      await refuses('gate', telemetry('one', 'pump'));
    });

    it('gives a new secret in place of the one before', async () => {
      await give('one/pump');
      const pump = await device('one/pump');
      const closed = pump.closed();
      await adapter.announce({ username: 'one/pump', devices: [] }, 'another');
      await closed;
      await expect(device('one/pump')).rejects.toThrow('Not authorized');
      await device('one/pump', { password: 'another' });
    });

    it('keeps an account that is told to the broker and does not count yet', async () => {
      await adapter.announce({ username: 'one/pump', devices: [] }, SECRET);
      await broker.stop();
      await broker.start();
      await signals.some(++starts, ({ name }) => name === 'accounts.right');
      book.let('one/pump', SECRET);
      await signals.first(({ name }) => name === 'account.told');
      const pump = await device('one/pump');
      await pump.publish(telemetry('one', 'pump'), { power: 1 });
    });

    it('makes no secret while the broker cannot be told, whether its end has been noticed or not', async () => {
      const announce = () => adapter.announce({ username: 'one/pump', devices: [] }, SECRET);
      await broker.stop();
      await expect(announce()).rejects.toThrow('not connected');
      await expect(announce()).rejects.toThrow('not connected');
    });

    it('makes no secret of a request that the broker ends with, and tells it of none afterwards', async () => {
      broker.pause();
      const told = adapter.announce({ username: 'one/pump', devices: [] }, SECRET);
      const failed = expect(told).rejects.toThrow('not connected');
      await broker.kill();
      await failed;
      await broker.start();
      await signals.some(++starts, ({ name }) => name === 'accounts.right');
      await expect(device('one/pump')).rejects.toThrow('Not authorized');
    });

    it('comes back after the broker has refused it, and makes up for what it could not tell', async () => {
      await give('one/pump');
      await adapter[Symbol.asyncDispose]();
      const changePassword = async (from: string, to: string) => {
        const operator = await Device.connect(broker.url, {
          ...{ protocolVersion: 5, username: ENGINE.username, password: from },
        });
        const user = { username: ENGINE.username, password: to };
        const commands = [{ command: 'setClientPassword', ...user }];
        // It ends the connections of the account, this one too
        const closed = operator.closed();
        operator.client.publish('$CONTROL/dynamic-security/v1', JSON.stringify({ commands }));
        await closed;
      };
      await changePassword(ENGINE.password, 'another');
      await begin();
      // The revocation falls into the time in which the broker refuses the engine, and is told to be late
      book.remove('one/pump');
      await signals.first(
        ({ name, fields }) =>
          name === 'background.failed' &&
          (fields as { task: string }).task === 'dynamic security: account one/pump',
      );
      await device('one/pump');
      await changePassword('another', ENGINE.password);
      await signals.some(++starts, ({ name }) => name === 'accounts.right');
      await expect(device('one/pump')).rejects.toThrow('Not authorized');
    });

    it('tells which accounts the broker has lost', async () => {
      book.let('one/pump', SECRET);
      await adapter[Symbol.asyncDispose]();
      adapter = await start();
      expect(await signals.first(({ name }) => name === 'account.missing')).toMatchObject({
        fields: { username: 'one/pump' },
      });
    });
  },
);
