import { connect, type MqttClient } from 'mqtt';
import type { Address } from '../../engine/index.ts';
import type { Model } from './model.ts';

export type DeviceKind = 'thermostat' | 'relay' | 'sensor';

const RECONNECT_MS = 100;
const ROOT = 'homeostat';

/**
 * A device as its maker would write it: a session that survives, QoS 1, an id with each event, and
 * commands that are carried out once. MQTT.js sends again what was not acknowledged.
 */
export class Device implements Address, AsyncDisposable {
  readonly home: string;
  readonly twin: string;
  readonly kind: DeviceKind;
  readonly client: MqttClient;
  /** Whether it heats, or is switched on: what the last command said. */
  on = false;
  /** It carries commands out and says nothing of it. */
  isQuiet = false;
  #underway = 0;
  #count = 0;
  readonly #model: Model;
  readonly #ready: Promise<void>;

  constructor(url: string, address: Address & { kind: DeviceKind }, model: Model) {
    this.home = address.home;
    this.twin = address.twin;
    this.kind = address.kind;
    this.#model = model;
    this.client = connect(url, {
      clientId: `${this.home}.${this.twin}`,
      clean: false,
      protocolVersion: 4,
      reconnectPeriod: RECONNECT_MS,
    });
    // It connects again by itself
    this.client.on('error', () => {});
    this.client.on('message', (topic, payload, { retain }) => {
      if (topic === this.topic('command')) this.#hear(payload);
      else this.#hearDesired(payload, retain);
    });
    this.#ready = this.client
      .subscribeAsync(this.topic('command'), { qos: 1 })
      .then(() => undefined);
  }

  /** Events that are not acknowledged yet. */
  get underway(): number {
    return this.#underway;
  }

  topic(channel: string): string {
    return `${ROOT}/${this.home}/${this.kind}/${this.twin}/${channel}`;
  }

  /** Connected, and its commands reach it. */
  ready(): Promise<void> {
    return this.#ready;
  }

  /** From now on it is told what is desired, too. */
  async listenToDesired(): Promise<void> {
    await this.client.subscribeAsync(this.topic('desired'), { qos: 1 });
  }

  nextId(): string {
    return `${this.home}.${this.twin}.${++this.#count}`;
  }

  /** Resolves when it is acknowledged. @param dup whether it says that it comes again */
  async report(fields: Record<string, unknown>, id = this.nextId(), dup = false): Promise<void> {
    this.#model.sent(this, id);
    this.#underway++;
    try {
      await this.#publish('telemetry', { ...fields, id }, dup);
      this.#model.acknowledge(id);
    } finally {
      this.#underway--;
    }
  }

  /** The state that commands have brought about, as its kind names it. */
  state(): Record<string, unknown> {
    return this.kind === 'thermostat' ? { heating: this.on } : { on: this.on };
  }

  /** As a bad radio does. It connects again. */
  drop(): void {
    this.client.stream.destroy();
  }

  /** Away, until it {@link comeBack}. */
  async goAway(): Promise<void> {
    this.#model.leaves(this);
    await this.client.endAsync(true);
  }

  async comeBack(): Promise<void> {
    this.#model.returns(this);
    const connected = new Promise((resolve) => this.client.once('connect', resolve));
    this.client.reconnect();
    await connected;
    await this.client.subscribeAsync(this.topic('command'), { qos: 1 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.endAsync(true);
  }

  /** Resolves with the PUBACK. @throws Error when the connection is ended for good */
  async #publish(channel: string, payload: object, dup = false): Promise<void> {
    for (;;) {
      try {
        const text = JSON.stringify(payload);
        await this.client.publishAsync(this.topic(channel), text, { qos: 1, dup });
        return;
      } catch (error) {
        // MQTT.js gives up what it was given while it sent again what had been under way
        if (this.client.disconnecting) throw error;
      }
    }
  }

  #hearDesired(payload: Buffer, retained: boolean): void {
    const { revision } = JSON.parse(payload.toString()) as { revision: number };
    this.#model.receivedDesired(this, { revision, retained });
  }

  #hear(payload: Buffer): void {
    const { id, name, args, expiresAt } = JSON.parse(payload.toString()) as {
      id: string;
      name: string;
      args: { on?: boolean };
      expiresAt: number;
    };
    const isNew = this.#model.received({
      home: this.home,
      twin: this.twin,
      ...{ id, name, args, expiresAt },
    });
    if (isNew && args.on !== undefined) this.on = args.on;
    if (this.isQuiet) return;
    // What is sent again was perhaps not heard the first time
    const answers = [this.#publish('ack', { id, ok: true }), this.report(this.state())];
    for (const answer of answers) answer.catch(() => {}); // cut off by the end of the scenario
  }
}
