/** The embedded broker, Mosquitto and HTTP agree at every moment which secret of a device counts. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type MqttAdapter, type MqttSignals, startMqtt } from '../../adapters/mqtt/index.ts';
import { Device } from '../../adapters/mqtt/testing/device.ts';
import { dynamicSecurityMissing, Mosquitto } from '../../adapters/mqtt/testing/mosquitto.ts';
import { Recorder } from '../../adapters/mqtt/testing/recorder.ts';
import { ApiBench } from '../http/testing/api-bench.ts';
import { authenticatorOf } from './mqtt-authenticator.ts';

const ENGINE = { username: 'homeostat', password: 'of the engine' };
const free = { token: null };

describe.each(['the embedded broker', 'Mosquitto'])('the secret of a device at %s', (name) => {
  const missing = name === 'Mosquitto' ? dynamicSecurityMissing : null;
  let api: ApiBench;
  let adapter: MqttAdapter | undefined;
  let broker: Mosquitto | null;
  let url: string;
  let signals: Recorder<{ name: string; fields: unknown }>;
  let told: number;

  beforeEach(async () => {
    if (missing !== null) return;
    signals = new Recorder();
    told = 0;
    broker = name === 'Mosquitto' ? await Mosquitto.start({ engine: ENGINE }) : null;
    api = await ApiBench.open({
      identity: { announce: async (account, secret) => await adapter?.announce(account, secret) },
    });
    const { engine, identity } = api;
    adapter = await startMqtt({
      engine,
      signal: <N extends keyof MqttSignals>(signal: N, fields: MqttSignals[N]) =>
        signals.push({ name: signal, fields }),
      provisioning: () => 'claim',
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
    if (broker) await signals.first(({ name: signal }) => signal === 'accounts.right');
    url = broker?.url ?? adapter.url;
    await api.furnish();
  });
  afterEach(async () => {
    if (missing !== null) return;
    await adapter?.[Symbol.asyncDispose]();
    adapter = undefined;
    await api[Symbol.asyncDispose]();
    await broker?.[Symbol.asyncDispose]();
  });

  /** What was changed here holds at the broker, too. */
  async function settled(): Promise<void> {
    if (broker) await signals.some(++told, ({ name: signal }) => signal === 'account.told');
  }
  async function comesIn(password: string): Promise<boolean> {
    const options = { protocolVersion: broker ? 5 : 4, username: 'h1/lock', password } as const;
    return await Device.connect(url, options).then(
      async (device) => {
        await device[Symbol.asyncDispose]();
        return true;
      },
      () => false,
    );
  }
  const enrol = async (serial: string) => {
    const token = await api.post('/v1/factory-tokens', {
      ...{ name: 'Lot 7', kind: 'lamp', uses: 9, expiresAt: api.clock.now() + 60_000 },
    });
    const made = await api.post('/v1/devices/enrol', { token: token.body['secret'], serial }, free);
    return made.body as { secret: string; code: string };
  };
  const claim = async (code: string) => {
    await api.post('/v1/homes/h1/claims', { code, id: 'lock' });
    await settled();
  };
  const askWith = async (secret: string) =>
    (await api.post('/v1/devices/enrolment', { secret }, free)).status;

  it.skipIf(missing !== null)('is the newest, whatever the device asks with', async () => {
    const { secret: old, code } = await enrol('s-1');
    await claim(code);
    expect(await askWith(old)).toBe(200);
    expect(await comesIn(old)).toBe(true);
    const next = String((await api.post('/v1/homes/h1/twins/lock/secret')).body['secret']);
    await settled();
    expect(await askWith(old)).toBe(401);
    expect([await comesIn(old), await comesIn(next)]).toEqual([false, true]);
  });

  it.skipIf(missing !== null)('is not the former one when another device is claimed', async () => {
    await api.post('/v1/homes/h1/twins', { id: 'lock', kind: 'lamp' });
    const former = String((await api.post('/v1/homes/h1/twins/lock/secret')).body['secret']);
    await settled();
    expect(await comesIn(former)).toBe(true);
    const { secret, code } = await enrol('s-1');
    await claim(code);
    expect(await comesIn(former)).toBe(false);
    expect(await askWith(secret)).toBe(200);
    expect([await comesIn(former), await comesIn(secret)]).toEqual([false, true]);
  });

  it.skipIf(missing !== null)('is none once it is revoked', async () => {
    const { secret, code } = await enrol('s-1');
    await claim(code);
    await askWith(secret);
    await api.delete('/v1/homes/h1/twins/lock/secret');
    await settled();
    expect((await api.post('/v1/homes/h1/claims', { code, id: 'lock' })).status).toBe(409);
    expect(await askWith(secret)).toBe(401);
    expect(await comesIn(secret)).toBe(false);
  });
});
