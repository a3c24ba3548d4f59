import { connect, type IPublishPacket, MqttClient } from 'mqtt';
import { describe, expect, it, vi } from 'vitest';
import { deferPubacks, withholdPuback } from './deferred-puback.ts';
import { Device } from './testing/device.ts';
import { Mosquitto, mosquittoMissing } from './testing/mosquitto.ts';
import { Recorder } from './testing/recorder.ts';

/** A session that withholds every PUBACK, on a real broker. */
class Session implements AsyncDisposable {
  readonly got = new Recorder<{ packet: IPublishPacket; acknowledge: () => boolean }>();
  readonly ready: Promise<void>;
  readonly client: MqttClient;

  constructor(url: string) {
    this.client = connect(url, {
      ...{ protocolVersion: 5, clientId: 'session', clean: false, reconnectPeriod: 0 },
      properties: { sessionExpiryInterval: 600, receiveMaximum: 1_000 },
    });
    const pubackLater = deferPubacks(this.client);
    this.client.handleMessage = (packet, callback) => {
      this.got.push({ packet, acknowledge: pubackLater(packet.messageId ?? 0) });
      callback(withholdPuback);
    };
    this.ready = new Promise((resolve) => this.client.once('connect', () => resolve()));
  }

  /** Hangs up and comes back, as a restart does. */
  async again(url: string): Promise<Session> {
    await this[Symbol.asyncDispose]();
    const next = new Session(url);
    await next.ready;
    return next;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.endAsync(true);
  }
}

describe.skipIf(mosquittoMissing)(
  `deferred PUBACKs at a real broker${mosquittoMissing ? ` [skipped: ${mosquittoMissing}]` : ''}`,
  () => {
    it('go out when asked for, each for its own message', async () => {
      await using broker = await Mosquitto.start();
      const first = new Session(broker.url);
      await first.ready;
      await first.client.subscribeAsync('numbers', { qos: 1 });
      await using sender = await Device.connect(broker.url);
      for (let n = 0; n < 40; n++) await sender.publish('numbers', `${n}`);
      const got = await first.got.count(40);
      expect(got.map(({ packet }) => packet.dup)).toEqual(Array(40).fill(false));
      // Every message but three, the last first
      const kept = new Set(['7', '20', '33']);
      for (const { packet, acknowledge } of [...got].reverse()) {
        if (!kept.has(packet.payload.toString())) expect(acknowledge()).toBe(true);
      }
      // A round trip: the broker has seen what was written before
      await first.client.publishAsync('elsewhere', '', { qos: 1 });

      await using second = await first.again(broker.url);
      await sender.publish('numbers', 'last');
      const later = await second.got.count(4);
      expect(later.map(({ packet }) => [packet.payload.toString(), packet.dup])).toEqual([
        ['7', true],
        ['20', true],
        ['33', true],
        ['last', false],
      ]);
    });

    it('do not go out on another connection than their message came on', async () => {
      await using broker = await Mosquitto.start();
      await using session = new Session(broker.url);
      await session.ready;
      await session.client.subscribeAsync('numbers', { qos: 1 });
      await using sender = await Device.connect(broker.url);
      await sender.publish('numbers', '1');
      const [{ acknowledge } = { acknowledge: () => true }] = await session.got.count(1);
      session.client.stream.destroy();
      expect(acknowledge()).toBe(false);
      session.client.reconnect();
      await session.got.count(2);
      expect(acknowledge()).toBe(false);
    });
  },
);

describe('deferred PUBACKs', () => {
  it('refuse a version of MQTT.js that nobody has tried them with', () => {
    vi.spyOn(MqttClient, 'VERSION', 'get').mockReturnValue('6.0.0');
    const client = connect('mqtt://127.0.0.1:1', { manualConnect: true });
    expect(() => deferPubacks(client)).toThrow('MQTT.js 6.0.0 is not the version');
    vi.restoreAllMocks();
    expect(() => deferPubacks(client)).not.toThrow();
  });
});
