import { connectAsync, type IClientPublishOptions, type MqttClient } from 'mqtt';

export interface Received {
  topic: string;
  payload: Record<string, unknown>;
  retain: boolean;
}

/** A device as its maker would write it: plain MQTT.js, QoS 1. */
export class Device implements AsyncDisposable {
  readonly client: MqttClient;
  readonly received: Received[] = [];
  #waiting = new Set<() => void>();

  private constructor(client: MqttClient) {
    this.client = client;
    client.on('message', (topic, payload, { retain }) => {
      const text = payload.toString();
      this.received.push({ topic, retain, payload: text === '' ? {} : JSON.parse(text) });
      for (const look of this.#waiting) look();
    });
  }

  static async connect(
    url: string,
    options: { clientId?: string; clean?: boolean; subscribe?: string[] } = {},
  ): Promise<Device> {
    const { clientId = `device-${Math.random().toString(36).slice(2)}`, clean = true } = options;
    const client = await connectAsync(url, { clientId, clean, protocolVersion: 4 });
    const device = new Device(client);
    for (const filter of options.subscribe ?? []) await client.subscribeAsync(filter, { qos: 1 });
    return device;
  }

  /** Resolves with the broker's PUBACK. */
  async publish(
    topic: string,
    payload: unknown,
    options: IClientPublishOptions = {},
  ): Promise<void> {
    const text = typeof payload === 'string' ? payload : JSON.stringify(payload);
    await this.client.publishAsync(topic, text, { qos: 1, ...options });
  }

  /** The first message that matches, now or later. */
  next(matches: (message: Received) => boolean): Promise<Received> {
    return new Promise((resolve) => {
      const look = () => {
        const found = this.received.find(matches);
        if (!found) return;
        this.#waiting.delete(look);
        resolve(found);
      };
      this.#waiting.add(look);
      look();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.endAsync(true);
  }
}
