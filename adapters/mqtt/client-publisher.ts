import type { MqttClient } from 'mqtt';
import type { Clock, DeliveryOutcome, DeliveryRow } from '../../engine/index.ts';
import type { Outgoing } from './codec.ts';
import type { Transport } from './sink.ts';

/** Publishes under way at once where the broker allows more. */
const WINDOW = 500;
const NO_SUBSCRIBERS = 0x10;

/** PUBACK reason codes that trying again does not change. */
const REFUSALS = new Map<number, string>([
  [0x87, 'Let the engine’s user write to this topic in the broker’s ACL.'],
  [0x90, 'The broker refuses this topic name.'],
  [0x95, 'Raise the broker’s limit for packets.'],
  [0x99, 'The broker wants another payload format here.'],
]);

/**
 * Publishes at QoS 1 with many under way, in order, and leaves nothing to MQTT.js' own memory: what
 * the broker has not acknowledged when the connection ends goes back to the outbox, which knows
 * about expiry and order.
 */
export class ClientPublisher implements Transport, Disposable {
  readonly #client: MqttClient;
  readonly #clock: Clock;
  #ready = false;
  /** By packet id: what stops waiting when the connection ends. */
  #underway = new Set<number>();
  /** Packet ids of publishes that the broker took although nobody subscribes. */
  #unheard = new Set<number>();
  #windowWanted: (() => void)[] = [];

  constructor(client: MqttClient, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
    // MQTT.js tells the callback of a publish everything but this reason code
    client.on('packetreceive', (packet) => {
      if (
        packet.cmd === 'puback' &&
        packet.reasonCode === NO_SUBSCRIBERS &&
        packet.messageId !== undefined
      ) {
        this.#unheard.add(packet.messageId);
      }
    });
    client.on('connect', () => {
      this.#ready = true;
    });
    client.on('close', () => this[Symbol.dispose]());
  }

  /** Gives up what is under way: back to the outbox with it. */
  [Symbol.dispose](): void {
    this.#ready = false;
    for (const id of [...this.#underway]) this.#client.removeOutgoingMessage(id);
    for (const go of this.#windowWanted.splice(0)) go();
  }

  async send(row: DeliveryRow, outgoing: Outgoing): Promise<DeliveryOutcome> {
    const window = Math.min(WINDOW, this.#client.serverProperties?.receiveMaximum ?? WINDOW);
    while (this.#ready && this.#underway.size >= window) {
      await new Promise<void>((resolve) => this.#windowWanted.push(resolve));
    }
    if (!this.#ready) {
      return { status: 'retry', error: 'not connected to the broker', scope: 'destination' };
    }
    const remaining = row.expiresAt === null ? null : row.expiresAt - this.#clock.now();
    if (remaining !== null && remaining <= 0) {
      return { status: 'retry', error: 'expired before it could be sent' };
    }
    return await this.#publish(row, outgoing, remaining);
  }

  #publish(
    row: DeliveryRow,
    outgoing: Outgoing,
    remaining: number | null,
  ): Promise<DeliveryOutcome> {
    const { topic, payload, retain } = outgoing;
    return new Promise((resolve) => {
      let id: number | undefined;
      let ended = false;
      this.#client.publish(
        topic,
        payload,
        {
          qos: 1,
          retain,
          properties: {
            userProperties: { id: row.id },
            ...(remaining !== null && { messageExpiryInterval: Math.ceil(remaining / 1_000) }),
          },
        },
        (error) => {
          ended = true;
          const unheard = id !== undefined && this.#unheard.delete(id);
          if (id !== undefined) this.#underway.delete(id);
          this.#windowWanted.shift()?.();
          resolve(this.#outcome(outgoing, error, unheard));
        },
      );
      // A client that is disconnecting has called back already
      if (ended) return;
      id = this.#client.getLastMessageId();
      this.#underway.add(id);
    });
  }

  #outcome(outgoing: Outgoing, error: Error | undefined, unheard: boolean): DeliveryOutcome {
    // A retained message waits for its device; any other would be gone
    if (!error && unheard && !outgoing.retain) {
      return { status: 'retry', error: `nobody is subscribed to ${outgoing.topic}` };
    }
    if (!error) return { status: 'delivered' };
    const hint =
      'code' in error && typeof error.code === 'number' ? REFUSALS.get(error.code) : undefined;
    if (hint !== undefined) return { status: 'refused', error: error.message, hint };
    return { status: 'retry', error: error.message };
  }
}
