import { connect, type IClientOptions, type IPublishPacket, type MqttClient } from 'mqtt';
import { Recorder } from './recorder.ts';

export interface Received {
  topic: string;
  text: string;
  packet: IPublishPacket;
}

/** A device that is connected to a broker and remembers what it hears. */
export class Device implements AsyncDisposable {
  readonly client: MqttClient;
  readonly heard = new Recorder<Received>();
  /** Whether the broker remembered it when it came. */
  sessionPresent = false;

  private constructor(client: MqttClient) {
    this.client = client;
  }

  static async connect(url: string, options: IClientOptions = {}): Promise<Device> {
    const client = connect(url, { reconnectPeriod: 0, ...options });
    const device = new Device(client);
    // Before it is connected: a session's messages come in one piece with the CONNACK
    client.on('message', (topic, payload, packet) =>
      device.heard.push({ topic, text: payload.toString(), packet }),
    );
    await new Promise<void>((resolve, reject) => {
      client.once('connect', ({ sessionPresent }) => {
        device.sessionPresent = sessionPresent;
        resolve();
      });
      client.on('error', reject);
    });
    return device;
  }

  async subscribe(filter: string, qos: 0 | 1 = 1): Promise<void> {
    await this.client.subscribeAsync(filter, { qos });
  }

  /** Resolves with the broker's PUBACK. */
  async publish(topic: string, payload: string | Buffer | object, retain = false): Promise<void> {
    const bytes =
      typeof payload === 'string' || Buffer.isBuffer(payload) ? payload : JSON.stringify(payload);
    await this.client.publishAsync(topic, bytes, { qos: 1, retain });
  }

  /** Resolves when the connection ends. */
  closed(): Promise<void> {
    return new Promise((resolve) => this.client.once('close', resolve));
  }

  /** Breaks off without a goodbye. */
  cut(): void {
    this.client.stream.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.endAsync(true);
  }
}
