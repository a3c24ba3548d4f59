import { createHash } from 'node:crypto';
import { connect, type IClientOptions, type IPublishPacket, type MqttClient } from 'mqtt';
import type { Clock } from '../../engine/index.ts';
import { ClientPublisher } from './client-publisher.ts';
import type { InboundPacket, WantedFilter } from './codec.ts';
import type { Intake } from './intake.ts';
import { MessagePath, type PathEvents } from './message-path.ts';
import type { MqttListener } from './signals.ts';
import { filterMatches } from './topic.ts';

export interface ClientOptions {
  url: string;
  /** The URL as signals show it. */
  shownUrl: string;
  /** Name, password, certificates. */
  credentials: Pick<IClientOptions, 'username' | 'password' | 'ca' | 'cert' | 'key'>;
  /** Names the session at the broker: fixed, or what came while we were down is lost. */
  clientId: string;
  /** Messages that the broker may have unacknowledged under way. */
  receiveMaximum: number;
  /** How long the broker keeps our session while we are away. */
  sessionExpirySeconds: number;
  reconnect: { firstMs: number; maxMs: number };
  random: () => number;
  clock: Clock;
  filters: readonly WantedFilter[];
  intake: Intake;
  signal: MqttListener;
  /** Connected and subscribed. */
  onReady: () => void;
}

const GOODBYE_MS = 1_000;

/**
 * The session at a broker elsewhere. Everything that MQTT 5 offers to lose nothing while we are
 * away: a fixed client id, a session that outlives us, QoS 1, PUBACK after commit.
 */
export class BrokerSession {
  readonly client: MqttClient;
  readonly publisher: ClientPublisher;
  readonly #options: ClientOptions;
  readonly #identifiers: ReadonlyMap<number, string>;
  #attempts = 0;
  #stopped = false;
  #subscribed = false;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#identifiers = new Map(
      options.filters.map(({ filter }) => [identifierOf(filter), filter]),
    );
    this.client = connect(options.url, {
      ...options.credentials,
      manualConnect: true,
      protocolVersion: 5,
      clientId: options.clientId,
      clean: false,
      // We subscribe ourselves on each connection; MQTT.js would ask for fewer things
      resubscribe: false,
      keepalive: 20,
      connectTimeout: 10_000,
      reconnectPeriod: options.reconnect.firstMs,
      reconnectOnConnackError: true,
      properties: {
        sessionExpiryInterval: options.sessionExpirySeconds,
        receiveMaximum: options.receiveMaximum,
      },
    });
    const events: PathEvents = {
      onMessage: (packet, acknowledge) => this.#take(packet, acknowledge),
      onPuback: (packetId, reasonCode) => this.publisher.answered(packetId, reasonCode),
    };
    const path = new MessagePath(this.client, events, options.clock);
    this.publisher = new ClientPublisher(this.client, path, options.clock);
    this.#watch();
    this.client.connect();
  }

  /** Connected and subscribed: what is published from now on arrives. */
  get ready(): boolean {
    return this.client.connected && this.#subscribed;
  }

  /** Takes nothing more; what was taken can still be acknowledged. */
  stopTaking(): void {
    this.#stopped = true;
  }

  /** What has been written is sent; then the connection ends, and the session stays. */
  async end(): Promise<void> {
    const { client } = this;
    const { clock } = this.#options;
    // A broker that does not answer must not hold up a stop
    const hangUp = clock.delay(GOODBYE_MS, () => client.stream.destroy());
    // MQTT.js would wait with its goodbye for all answers, for ever if the connection breaks meanwhile
    const waits = Object.keys(client.outgoing).length > 0;
    if (client.connected && waits) {
      const closed = new Promise((resolve) => client.stream.once('close', resolve));
      client.stream.end();
      await closed;
    }
    await client.endAsync(!client.connected);
    hangUp[Symbol.dispose]();
  }

  #take(packet: IPublishPacket, acknowledge: () => void): Promise<void> | undefined {
    // Unacknowledged, so it stays with the broker
    if (this.#stopped) return undefined;
    if (this.#isCopy(packet)) {
      acknowledge();
      return undefined;
    }
    const { intake } = this.#options;
    void intake.take(inbound(packet)).then((verdict) => {
      if (verdict !== 'withheld') acknowledge();
    });
    return intake.hasRoom ? undefined : intake.room();
  }

  #watch(): void {
    const { shownUrl: url, signal, reconnect, random } = this.#options;
    let wasConnected = false;
    this.client.on('connect', ({ sessionPresent }) => {
      this.#attempts = 0;
      wasConnected = true;
      this.client.options.reconnectPeriod = reconnect.firstMs;
      signal('connected', { url, sessionPresent });
      this.#subscribe();
    });
    // MQTT.js reads the period when the coming attempt has failed
    this.client.on('reconnect', () => {
      this.#attempts++;
      const longest = Math.min(reconnect.maxMs, reconnect.firstMs * 2 ** this.#attempts);
      this.client.options.reconnectPeriod = Math.ceil(longest * (0.5 + random() / 2));
    });
    this.client.on('error', (error) => {
      const retryMs = this.client.options.reconnectPeriod ?? reconnect.firstMs;
      signal('connection.failed', { url, error: error.message || String(error), retryMs });
    });
    this.client.on('close', () => {
      this.#subscribed = false;
      if (wasConnected) signal('disconnected', { url });
      wasConnected = false;
    });
  }

  /** Subscribes on every connection: it costs one round trip and mends a session that the broker has lost. */
  #subscribe(): void {
    const identifiable = this.client.serverProperties?.subscriptionIdentifiersAvailable !== false;
    const { signal, onReady, filters } = this.#options;
    let open = filters.length;
    for (const { filter, replay } of filters) {
      const options = {
        qos: 1 as const,
        // Not what we publish ourselves, and retained messages only when the subscription is new
        nl: true,
        rh: replay ? 0 : 1,
        ...(identifiable && { properties: { subscriptionIdentifier: identifierOf(filter) } }),
      };
      this.client.subscribe(filter, options, (error) => {
        if (error && this.client.connected) {
          const hint = 'Let the engine’s user read this filter in the broker’s ACL.';
          signal('subscription.refused', { filter, error: error.message, hint });
        }
        if (--open === 0 && this.client.connected) {
          this.#subscribed = true;
          onReady();
        }
      });
    }
  }

  /**
   * A broker may send one message once per subscription that matches it. Only the copy of the first
   * matching filter counts. A copy under an identifier that we do not know was queued for an
   * earlier configuration: it may be the only one.
   */
  #isCopy({ topic, properties }: IPublishPacket): boolean {
    const given = properties?.subscriptionIdentifier;
    if (given === undefined) return false;
    const first = this.#options.filters.find(({ filter }) => filterMatches(filter, topic))?.filter;
    const identifiers: readonly number[] = Array.isArray(given) ? given : [given];
    const via = identifiers.map((identifier) => this.#identifiers.get(identifier));
    return !via.includes(undefined) && !via.includes(first);
  }
}

/** The same for a filter after every restart, as queued messages carry it. 1 to 2^28 - 1. */
function identifierOf(filter: string): number {
  return (createHash('sha256').update(filter).digest().readUInt32BE(0) % 268_435_455) + 1;
}

function inbound(packet: IPublishPacket): InboundPacket {
  const { topic, payload, qos, dup, retain, messageId, properties } = packet;
  const taken: InboundPacket = {
    topic,
    payload: Buffer.isBuffer(payload) ? payload : Buffer.from(payload),
    qos,
    dup,
    // The broker clears the flag on live messages (retain as published is off)
    replayed: retain,
  };
  if (messageId) taken.packetId = messageId;
  const given = properties?.userProperties?.id;
  const userId = Array.isArray(given) ? given[0] : given;
  if (userId) taken.userId = userId;
  return taken;
}
