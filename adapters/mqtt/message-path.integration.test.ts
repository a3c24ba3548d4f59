import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { connect, type IPublishPacket, MqttClient } from 'mqtt';
import { generate } from 'mqtt-packet';
import { describe, expect, it, vi } from 'vitest';
import { ManualClock } from '../../engine/index.ts';
import { MessagePath, type PathEvents } from './message-path.ts';
import { Device } from './testing/device.ts';
import { Mosquitto, mosquittoMissing } from './testing/mosquitto.ts';
import { Recorder } from './testing/recorder.ts';

const NOTHING_UNDERWAY = new Map<number, unknown>();

/** A session that acknowledges nothing by itself. */
class Session implements AsyncDisposable {
  readonly got = new Recorder<{ packet: IPublishPacket; acknowledge: () => void }>();
  readonly answers = new Recorder<{ packetId: number; reasonCode: number }>();
  readonly ready: Promise<void>;
  readonly client: MqttClient;
  readonly path: MessagePath;
  readonly clock = new ManualClock();
  /** What the next messages wait for. */
  hold: Promise<void> | undefined;

  constructor(url: string) {
    this.client = connect(url, {
      ...{ protocolVersion: 5, clientId: 'session', clean: false, reconnectPeriod: 0 },
      manualConnect: true,
      properties: { sessionExpiryInterval: 600, receiveMaximum: 1_000 },
    });
    const events: PathEvents = {
      onMessage: (packet, acknowledge) => {
        this.got.push({ packet, acknowledge });
        return this.hold;
      },
      onPuback: (packetId, reasonCode) => this.answers.push({ packetId, reasonCode }),
    };
    this.path = new MessagePath(this.client, events, this.clock);
    this.ready = new Promise((resolve) => this.client.once('connect', () => resolve()));
    this.client.connect();
  }

  async subscribe(filter: string): Promise<void> {
    await this.client.subscribeAsync(filter, { qos: 1 });
  }

  /** Resolves when the broker has taken it, and so has seen all that was written before. */
  async publish(topic: string, payload: string): Promise<{ packetId: number; reasonCode: number }> {
    const packetId = this.path.publish({ topic, payload, retain: false }, NOTHING_UNDERWAY);
    return await this.answers.first((answer) => answer.packetId === packetId);
  }

  /** Loses its connection, and has another. */
  async reconnect(): Promise<void> {
    const closed = once(this.client.stream, 'close');
    this.client.stream.destroy();
    await closed;
    const connected = new Promise<void>((resolve) => this.client.once('connect', () => resolve()));
    this.client.reconnect();
    await connected;
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
  `the message path at a real broker${mosquittoMissing ? ` [skipped: ${mosquittoMissing}]` : ''}`,
  () => {
    it('acknowledges when it is asked to, each its own message', async () => {
      await using broker = await Mosquitto.start();
      const first = new Session(broker.url);
      await first.ready;
      await first.subscribe('numbers');
      await using sender = await Device.connect(broker.url);
      for (let n = 0; n < 40; n++) await sender.publish('numbers', `${n}`);
      const got = await first.got.count(40);
      expect(got.map(({ packet }) => packet.dup)).toEqual(Array(40).fill(false));
      // Every message but three, the last first
      const kept = new Set(['7', '20', '33']);
      for (const { packet, acknowledge } of [...got].reverse()) {
        if (!kept.has(packet.payload.toString())) acknowledge();
      }
      await first.publish('elsewhere', '');

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

    it('acknowledges nothing on another connection than its message came on', async () => {
      await using broker = await Mosquitto.start();
      await using session = new Session(broker.url);
      await session.ready;
      await session.subscribe('numbers');
      await using sender = await Device.connect(broker.url);
      await sender.publish('numbers', '1');
      const [first] = await session.got.count(1);
      await session.reconnect();
      await session.got.count(2);
      first?.acknowledge();
      await session.publish('elsewhere', '');
      await session.reconnect();
      // Still the broker's: it comes a third time
      const [, , third] = await session.got.count(3);
      expect(third?.packet.payload.toString()).toBe('1');
    });

    it('tells what the broker answers to a publish', async () => {
      await using broker = await Mosquitto.start();
      await using session = new Session(broker.url);
      await session.ready;
      expect(await session.publish('nobody/listens', '1')).toMatchObject({ reasonCode: 0x10 });
      await using device = await Device.connect(broker.url, { protocolVersion: 5 });
      await device.subscribe('somebody/listens');
      expect(await session.publish('somebody/listens', '2')).toMatchObject({ reasonCode: 0 });
      expect((await device.heard.count(1))[0]?.text).toBe('2');
    });

    it('takes the next message when what holds it is over, in order', async () => {
      await using broker = await Mosquitto.start();
      await using session = new Session(broker.url);
      await session.ready;
      await session.subscribe('numbers');
      await using sender = await Device.connect(broker.url);
      let release = () => {};
      session.hold = new Promise((resolve) => {
        release = resolve;
      });
      for (let n = 0; n < 20; n++) await sender.publish('numbers', `${n}`);
      await session.got.count(1);
      expect(session.got.items).toHaveLength(1);
      session.hold = undefined;
      release();
      const got = await session.got.count(20);
      expect(got.map(({ packet }) => packet.payload.toString())).toEqual(
        Array.from({ length: 20 }, (_, n) => `${n}`),
      );
    });
  },
);

describe('the message path', () => {
  it.each([
    ['a message at QoS 3', '3603000161'],
    ['a message at QoS 2', '340600016100020061'],
    ['a topic alias', '3009000003230001616263'],
    ['a packet whose length is none', '32ffffffffff'],
    ['a PUBACK without a packet id', '4000'],
  ])('ends the connection that brings %s', async (what, bytes) => {
    const connack = generate({ cmd: 'connack', reasonCode: 0, sessionPresent: false }, {
      protocolVersion: 5,
    } as never);
    const sockets: Socket[] = [];
    const server = createServer((socket) => {
      sockets.push(socket);
      socket.write(Buffer.concat([connack, Buffer.from(bytes, 'hex')]));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    await using session = new Session(`mqtt://127.0.0.1:${port}`);
    const closed = new Promise<void>((resolve) => session.client.once('close', () => resolve()));
    const error = await new Promise<Error>((resolve) => session.client.once('error', resolve));
    expect(error.message).toMatch(what.includes('QoS 3') ? /both QoS bits/ : what);
    expect(session.got.items).toEqual([]);
    await closed;
    for (const socket of sockets) socket.destroy();
    server.close();
  });

  it('keeps a connection whose messages have to wait: its answers to pings wait with them', async () => {
    const connack = generate({ cmd: 'connack', reasonCode: 0, sessionPresent: false }, {
      protocolVersion: 5,
    } as never);
    const message = Buffer.from('30050001610061', 'hex');
    const pings = new Recorder<string>();
    const sockets: Socket[] = [];
    const server = createServer((socket) => {
      sockets.push(socket);
      socket.once('data', () => {
        socket.on('data', (bytes) => pings.push(bytes.toString('hex')));
        socket.write(Buffer.concat([connack, message]));
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const session = new Session(`mqtt://127.0.0.1:${port}`);
    let release = () => {};
    session.hold = new Promise((resolve) => {
      release = resolve;
    });
    await session.ready;
    await session.got.count(1);
    const rescheduled = vi.spyOn(session.client, 'reschedulePing');
    for (let n = 1; n <= 3; n++) {
      session.clock.advance(1_000);
      await pings.count(n);
      expect(rescheduled).toHaveBeenLastCalledWith(true);
    }
    // Everything comes, and MQTT.js sees to its pings itself again
    session.hold = undefined;
    release();
    sockets[0]?.write(message);
    await session.got.count(2);
    rescheduled.mockClear();
    session.clock.advance(10_000);
    expect(rescheduled).not.toHaveBeenCalled();
    await session[Symbol.asyncDispose]();
    for (const socket of sockets) socket.destroy();
    server.close();
  });

  it('sends nothing without a connection, and nothing that the broker would not take', async () => {
    await using session = new Session('mqtt://127.0.0.1:1');
    session.client.on('error', () => {});
    const message = { topic: 'a', payload: Buffer.alloc(100), retain: false };
    expect(session.path.publish(message, NOTHING_UNDERWAY, 50)).toBe('too-large');
    session.client.stream.destroy();
    expect(session.path.publish(message, NOTHING_UNDERWAY)).toBe('away');
  });

  it('uses no packet id that is under way', () => {
    const client = connect('mqtt://127.0.0.1:1', { manualConnect: true, reconnectPeriod: 0 });
    client.on('error', () => {});
    const events = { onMessage: () => undefined, onPuback: () => {} };
    const path = new MessagePath(client, events, new ManualClock());
    client.connect();
    const underway = new Map([1, 2, 4].map((id) => [id, null]));
    const message = { topic: 'a', payload: 'b', retain: false };
    expect(path.publish(message, underway)).toBe(3);
    expect(path.publish(message, underway)).toBe(5);
    client.end(true);
  });

  it('refuses a version of MQTT.js that nobody has tried it with', () => {
    vi.spyOn(MqttClient, 'VERSION', 'get').mockReturnValue('6.0.0');
    const client = connect('mqtt://127.0.0.1:1', { manualConnect: true });
    const events = { onMessage: () => undefined, onPuback: () => {} };
    expect(() => new MessagePath(client, events, new ManualClock())).toThrow(
      'MQTT.js 6.0.0 is not the version',
    );
    vi.restoreAllMocks();
    expect(() => new MessagePath(client, events, new ManualClock())).not.toThrow();
  });
});
