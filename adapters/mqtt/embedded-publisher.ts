import type { Aedes, AedesPublishPacket, Client } from 'aedes';
import type { Clock, DeliveryOutcome, DeliveryRow } from '../../engine/index.ts';
import type { Outgoing } from './codec.ts';
import type { Transport } from './sink.ts';
import { type Match, SubscriptionIndex } from './subscription-index.ts';
import { filterNames } from './topic.ts';

/** A command that has left for some devices and is not acknowledged, or not yet asked after. */
interface InFlightPublish {
  row: string;
  handed: Set<Handed>;
  acknowledged: boolean;
  /** Ends the wait of the `send` that is under way; null when none is. */
  settle: (() => void) | null;
  /** Forgets the publish when its command expires. */
  expiry: Disposable;
}

/** An publish's message to one client. */
interface Handed {
  publish: InFlightPublish;
  client: string;
  packetId: number;
  payload: Buffer;
}

/** What aedes delivers by; its types leave it out. */
type RememberedClient = Client & { subscriptions: Record<string, { qos: 0 | 1 | 2 }> };

export interface EmbeddedPublisherOptions {
  clock: Clock;
  mayHear: (client: Client, topic: string) => boolean;
  /** Something may have become deliverable. */
  onReachable: () => void;
}

/** How long one call of `send` waits for a PUBACK; a later one is remembered. */
const PUBACK_WAIT_MS = 2_000;

/**
 * aedes drops a message as a double when another of the same brokerId has overtaken it, which QoS 0
 * does to QoS 1. Ours carry ids and counts of their own, and each sort takes one way.
 */
const COMMANDS = 'homeostat/commands';
const DESIRED = 'homeostat/desired';

/**
 * Hands messages to the devices that are connected to the embedded broker. aedes keeps them in
 * memory only, so it gets no command to keep: a command leaves the outbox when a subscriber has
 * acknowledged it, and waits there while its device is away.
 */
export class EmbeddedPublisher implements Transport, Disposable {
  readonly #broker: Aedes;
  readonly #clock: Clock;
  readonly #mayHear: (client: Client, topic: string) => boolean;
  readonly #onReachable: () => void;
  /** The subscriptions of the clients that are connected. */
  readonly #subscriptions = new SubscriptionIndex();
  #live = new Map<string, Client>();
  #publishes = new Map<string, InFlightPublish>();
  /** Keyed by payload, the one thing of a message that aedes passes through as it is. */
  #byPayload = new Map<Buffer, Handed>();
  #byClient = new Map<string, Map<number, Handed>>();
  #lastPacketId = 0;
  #counter = 0;
  /** Whether a device was missing since the last call of `onReachable`. */
  #missed = false;

  constructor(broker: Aedes, options: EmbeddedPublisherOptions) {
    this.#broker = broker;
    this.#clock = options.clock;
    this.#mayHear = options.mayHear;
    this.#onReachable = options.onReachable;
    broker.authorizeForward = (client, packet) => this.#forward(client, packet);
    broker.on('clientReady', (client) => this.#ready(client));
    broker.on('clientDisconnect', (client) => this.#gone(client));
    broker.on('subscribe', (subscriptions, client) => {
      if (this.#live.get(client.id) !== client) return;
      // 128: refused
      for (const { topic, qos } of subscriptions) {
        if (qos <= 2) this.#subscriptions.add(client.id, topic, qos);
      }
      this.#reachable();
    });
    broker.on('unsubscribe', (filters, client) => {
      for (const filter of filters) this.#subscriptions.remove(client.id, filter);
    });
  }

  [Symbol.dispose](): void {
    for (const publish of [...this.#publishes.values()]) this.#drop(publish);
  }

  async send(row: DeliveryRow, outgoing: Outgoing): Promise<DeliveryOutcome> {
    if (outgoing.retain) return await this.publish(outgoing);
    const known = this.#publishes.get(row.id);
    if (known?.acknowledged) return this.#done(known);

    const receivers = this.#receivers(outgoing);
    const acknowledging = receivers.find(({ qos }) => qos > 0);
    if (receivers.length === 0) {
      this.#missed = true;
      return { status: 'retry', error: `no device is subscribed to ${outgoing.topic}` };
    }
    const publish = known ?? this.#begin(row);
    const has = new Set([...publish.handed].map(({ client }) => client));
    const written = receivers
      .filter(({ client }) => !has.has(client))
      .map((receiver) => this.#hand(publish, outgoing, receiver));
    // Nobody will acknowledge: written to its socket is the most that QoS 0 can say
    if (!acknowledging) {
      await Promise.all(written);
      return this.#done(publish);
    }
    await this.#settled(publish);
    if (publish.acknowledged) return this.#done(publish);
    this.#missed = true;
    return { status: 'retry', error: `${acknowledging.client} has not acknowledged it yet` };
  }

  /** Publishes to whoever listens, now or later. */
  async publish({ topic, payload, retain }: Outgoing): Promise<DeliveryOutcome> {
    const packet = {
      ...message(topic, payload, 1),
      retain,
      brokerId: DESIRED,
      brokerCounter: ++this.#counter,
    };
    return await new Promise((resolve) => {
      this.#broker.publish(packet, (error) =>
        resolve(error ? { status: 'retry', error: error.message } : { status: 'delivered' }),
      );
    });
  }

  /** A PUBACK has come from this client. */
  acknowledged(client: string, packetId: number): void {
    const handed = this.#byClient.get(client)?.get(packetId);
    if (!handed) return;
    const { publish } = handed;
    this.#forget(handed);
    publish.acknowledged = true;
    if (publish.settle) publish.settle();
    else this.#reachable();
  }

  /** The clients that this would reach, one subscription each; onlookers are left out. */
  #receivers({ topic, receiver }: Outgoing): Match[] {
    const best = new Map<string, Match>();
    for (const match of this.#subscriptions.match(topic)) {
      if (match.qos === 0 && !filterNames(match.filter, receiver)) continue;
      const client = this.#live.get(match.client);
      if (!client || !this.#mayHear(client, topic)) continue;
      const known = best.get(match.client);
      if (!known || known.qos < match.qos) best.set(match.client, match);
    }
    return [...best.values()];
  }

  #begin(row: DeliveryRow): InFlightPublish {
    const expiresAt = row.expiresAt ?? this.#clock.now() + PUBACK_WAIT_MS;
    const publish: InFlightPublish = {
      row: row.id,
      handed: new Set(),
      acknowledged: false,
      settle: null,
      expiry: this.#clock.schedule(expiresAt, () => this.#drop(publish)),
    };
    this.#publishes.set(row.id, publish);
    return publish;
  }

  #hand(
    publish: InFlightPublish,
    { topic, payload }: Outgoing,
    { client, qos }: Match,
  ): Promise<void> {
    this.#lastPacketId = (this.#lastPacketId % 65_535) + 1;
    // A buffer of its own, as it identifies the message
    const handed: Handed = {
      publish,
      client,
      packetId: this.#lastPacketId,
      payload: Buffer.from(payload),
    };
    publish.handed.add(handed);
    this.#byPayload.set(handed.payload, handed);
    let unacknowledged = this.#byClient.get(client);
    if (!unacknowledged) {
      unacknowledged = new Map();
      this.#byClient.set(client, unacknowledged);
    }
    unacknowledged.set(handed.packetId, handed);
    const packet = {
      ...message(topic, handed.payload, qos === 0 ? 0 : 1),
      brokerId: COMMANDS,
      brokerCounter: ++this.#counter,
    };
    return new Promise((resolve) => {
      this.#live.get(client)?.publish(packet, () => resolve());
    });
  }

  /** aedes asks this before it writes to a client, and takes the packet id from the answer. */
  #forward(client: Client, packet: AedesPublishPacket): AedesPublishPacket | null {
    if (!this.#mayHear(client, packet.topic)) return null;
    if (packet.brokerId !== COMMANDS) return packet;
    const handed = Buffer.isBuffer(packet.payload)
      ? this.#byPayload.get(packet.payload)
      : undefined;
    // From the memory of a persistent session that broke off: the outbox sends it again, or has let it expire
    if (handed?.client !== client.id) return null;
    packet.messageId = handed.packetId;
    return packet;
  }

  /** Resolves when the publish is acknowledged, all its receivers are gone, or the time is up. */
  #settled(publish: InFlightPublish): Promise<void> {
    return new Promise((resolve) => {
      const alarm = this.#clock.delay(PUBACK_WAIT_MS, () => publish.settle?.());
      publish.settle = () => {
        alarm[Symbol.dispose]();
        publish.settle = null;
        resolve();
      };
      if (publish.acknowledged) publish.settle();
    });
  }

  #done(publish: InFlightPublish): DeliveryOutcome {
    this.#drop(publish);
    return { status: 'delivered' };
  }

  #drop(publish: InFlightPublish): void {
    publish.expiry[Symbol.dispose]();
    this.#publishes.delete(publish.row);
    for (const handed of [...publish.handed]) this.#forget(handed);
    publish.settle?.();
  }

  #forget(handed: Handed): void {
    handed.publish.handed.delete(handed);
    this.#byPayload.delete(handed.payload);
    const unacknowledged = this.#byClient.get(handed.client);
    unacknowledged?.delete(handed.packetId);
    if (unacknowledged?.size === 0) this.#byClient.delete(handed.client);
  }

  /** Before its first SUBSCRIBE is looked at. */
  #ready(client: Client): void {
    this.#live.set(client.id, client);
    this.#subscriptions.forget(client.id);
    // What its session remembers, also of a SUBSCRIBE whose answer was cut off
    const { subscriptions } = client as RememberedClient;
    for (const [filter, { qos }] of Object.entries(subscriptions)) {
      this.#subscriptions.add(client.id, filter, qos);
    }
    this.#reachable();
  }

  #gone(client: Client): void {
    // Another connection may have taken its place already
    if (this.#live.get(client.id) !== client) return;
    this.#live.delete(client.id);
    this.#subscriptions.forget(client.id);
    for (const handed of [...(this.#byClient.get(client.id)?.values() ?? [])]) {
      this.#forget(handed);
      if (handed.publish.handed.size === 0) handed.publish.settle?.();
    }
  }

  #reachable(): void {
    if (!this.#missed) return;
    this.#missed = false;
    this.#onReachable();
  }
}

function message<Q extends 0 | 1>(topic: string, payload: Buffer, qos: Q) {
  return { cmd: 'publish' as const, topic, payload, qos, retain: false, dup: false };
}
