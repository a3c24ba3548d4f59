import type { MqttClient } from 'mqtt';
import type { Clock, DeliveryOutcome, DeliveryRow } from '../../engine/index.ts';
import type { Outgoing } from './codec.ts';
import type { MessagePath, Publish } from './message-path.ts';
import type { Transport } from './sink.ts';
import { isTopicName } from './topic.ts';

/** Publishes under way at once where the broker allows more. */
const WINDOW = 500;
const NO_SUBSCRIBERS = 0x10;
/** Reason codes from here on are errors. */
const FIRST_ERROR = 0x80;

/** PUBACK reason codes that trying again does not change (MQTT 5, 3.4.2.1). */
const REFUSALS = new Map<number, { reason: string; hint: string }>([
  [
    0x87,
    {
      reason: 'not authorized',
      hint: 'Let the engine’s user write to this topic in the broker’s ACL.',
    },
  ],
  [0x95, { reason: 'packet too large', hint: 'Raise the broker’s limit for packets.' }],
  [0x90, { reason: 'topic name invalid', hint: 'The broker does not take this topic name.' }],
  [
    0x99,
    { reason: 'payload format invalid', hint: 'The broker wants another payload format here.' },
  ],
]);
/** It may have arrived, so it counts as tried: a message that the broker ends each connection for must not go on for ever. */
const CUT_OFF: DeliveryOutcome = {
  status: 'retry',
  error: 'the connection ended before the broker had answered',
};
const NOT_CONNECTED: DeliveryOutcome = {
  status: 'retry',
  error: 'not connected to the broker',
  scope: 'destination',
};

interface Underway {
  outgoing: Outgoing;
  resolve: (outcome: DeliveryOutcome) => void;
}

/**
 * Publishes at QoS 1 with many under way, in order. What the broker has not acknowledged when the connection ends goes
 * back to the outbox, which knows about expiry and order.
 */
export class ClientPublisher implements Transport, Disposable {
  readonly #client: MqttClient;
  readonly #path: MessagePath;
  readonly #clock: Clock;
  #ready = false;
  /** By packet id. */
  readonly #underway = new Map<number, Underway>();
  /** What waits for room in the window, in order. */
  #waiting: (() => void)[] = [];

  constructor(client: MqttClient, path: MessagePath, clock: Clock) {
    this.#client = client;
    this.#path = path;
    this.#clock = clock;
    client.on('connect', () => {
      this.#ready = true;
    });
    client.on('close', () => this[Symbol.dispose]());
  }

  /** Gives up what is under way: back to the outbox with it. */
  [Symbol.dispose](): void {
    this.#ready = false;
    const given = [...this.#underway.values()];
    this.#underway.clear();
    for (const { resolve } of given) resolve(CUT_OFF);
    this.#sendWaiting();
  }

  send(row: DeliveryRow, outgoing: Outgoing): DeliveryOutcome | Promise<DeliveryOutcome> {
    if (!this.#isFull) return this.#send(row, outgoing);
    return new Promise((resolve) => {
      const send = () => new Promise<DeliveryOutcome>((sent) => sent(this.#send(row, outgoing)));
      this.#waiting.push(() => resolve(send()));
    });
  }

  /** One that comes to its end without a publish leaves its room to the next. */
  #sendWaiting(): void {
    let sent = 0;
    while (!this.#isFull && sent < this.#waiting.length) this.#waiting[sent++]?.();
    this.#waiting = this.#waiting.slice(sent);
  }

  get #isFull(): boolean {
    const { receiveMaximum = WINDOW } = this.#client.serverProperties ?? {};
    return this.#ready && this.#underway.size >= Math.min(WINDOW, receiveMaximum);
  }

  #send(row: DeliveryRow, outgoing: Outgoing): DeliveryOutcome | Promise<DeliveryOutcome> {
    const { topic, payload, retain } = outgoing;
    if (!isTopicName(topic)) {
      const hint =
        'A topic is not empty, and has no "+", "#" or NUL. Mend the dialect that made it.';
      return { status: 'refused', error: `"${topic}" is not a topic`, hint };
    }
    const remaining = row.expiresAt === null ? null : row.expiresAt - this.#clock.now();
    if (remaining !== null && remaining <= 0) {
      return { status: 'retry', error: 'expired before it could be sent' };
    }
    const properties: Publish['properties'] = { userProperties: { id: row.id } };
    if (remaining !== null) properties.messageExpiryInterval = Math.ceil(remaining / 1_000);
    if (!this.#ready) return NOT_CONNECTED;
    const { maximumPacketSize, maximumQoS, retainAvailable } = this.#client.serverProperties ?? {};
    if (maximumQoS === 0) {
      const hint = 'Let the broker take QoS 1.';
      return { status: 'refused', error: 'the broker takes nothing but QoS 0', hint };
    }
    if (retain && retainAvailable === false) {
      const hint = 'Let the broker retain messages (Mosquitto: retain_available true).';
      return { status: 'refused', error: 'the broker retains no messages', hint };
    }
    const id = this.#path.publish(
      { topic, payload, retain, properties },
      this.#underway,
      maximumPacketSize,
    );
    if (id === 'away') return NOT_CONNECTED;
    if (id === 'too-large') {
      return {
        status: 'refused',
        error: `the broker takes packets of up to ${maximumPacketSize} bytes`,
        hint: 'Raise the broker’s limit for packets.',
      };
    }
    return new Promise((resolve) => this.#underway.set(id, { outgoing, resolve }));
  }

  /** The broker has answered a publish. */
  answered(packetId: number, reasonCode: number): void {
    const one = this.#underway.get(packetId);
    if (!one) return;
    this.#underway.delete(packetId);
    one.resolve(outcomeOf(one.outgoing, reasonCode));
    if (this.#waiting.length > 0) this.#sendWaiting();
  }
}

function outcomeOf({ topic, retain }: Outgoing, reasonCode: number): DeliveryOutcome {
  if (reasonCode === NO_SUBSCRIBERS) {
    // A retained message waits for its device; any other would be gone
    return retain
      ? { status: 'delivered' }
      : { status: 'retry', error: `nobody is subscribed to ${topic}` };
  }
  if (reasonCode < FIRST_ERROR) return { status: 'delivered' };
  const refusal = REFUSALS.get(reasonCode);
  return refusal
    ? {
        status: 'refused',
        error: `the broker refuses ${topic}: ${refusal.reason}`,
        hint: refusal.hint,
      }
    : { status: 'retry', error: `the broker answers ${topic} with reason code ${reasonCode}` };
}
