import type { DeliveryRow, Engine, EventData } from '../../engine/index.ts';

/** What a codec sees of an MQTT PUBLISH. */
export interface InboundPacket {
  topic: string;
  payload: Buffer;
  qos: 0 | 1 | 2;
  /** The sender says that it may have sent this before. */
  dup: boolean;
  /** A retained message that the broker replayed because of our subscription; it may be old. */
  replayed: boolean;
  /** Absent at QoS 0. */
  packetId?: number;
  /** MQTT 5 user property `id`. */
  userId?: string;
  /** Who sent it, where the broker tells. */
  principal?: string;
}

type BuryCode = Parameters<Engine['bury']>[0]['code'];

/** What a packet, or a part of it, means. */
export type Decoded =
  | DecodedEvent
  /** Understood, and nothing for a twin: counted, acknowledged. */
  | { type: 'ignored'; reason: string }
  /** No dialect has such a topic. Kept as a dead letter once an hour per topic, counted always. */
  | { type: 'unknown-topic'; hint: string }
  /** Unreadable: kept as a dead letter. `hint` tells the operator what the device should send. */
  | { type: 'refused'; code: BuryCode; error: string; hint: string; home?: string; twin?: string };

export interface DecodedEvent {
  type: 'event';
  home: string;
  twin: string;
  /** Left out when the dialect cannot tell: then only an existing twin takes the event. */
  kind?: string | undefined;
  /** The sender that it speaks as: a device, unless it says otherwise. */
  speaker?: 'device' | 'message';
  event: EventData;
  /** Device time, epoch ms, sane or not. */
  at?: number | undefined;
  /** The device's own id of the event. */
  id?: string | undefined;
  /** `codec:device address`, for codecs whose commands need more than the twin's address. */
  via?: string | undefined;
}

/** A packet for a device. Always published at QoS 1. */
export interface Outgoing {
  topic: string;
  payload: Buffer;
  retain: boolean;
  /**
   * The part of the topic tree that belongs to whoever is to receive it: a device, or the gateway
   * that speaks for it. A QoS 0 subscription elsewhere (`#`) is an onlooker, not the receiver.
   */
  receiver: string;
}

/** A delivery that the codec cannot put into words, now (`later`) or ever. */
export interface Unsayable {
  unsayable: string;
  hint: string;
  later: boolean;
}

/** A subscription that a codec needs. */
export interface WantedFilter {
  filter: string;
  /** Retained messages are wanted at every start, not only when the subscription is new. */
  replay?: boolean;
}

/** A device dialect: topics and payloads on one side, envelopes and deliveries on the other. */
export interface Codec {
  /** Stored with each of its twins as the part of `via` before the colon. */
  readonly name: string;
  /** Specific filters first: a packet that several filters match is taken once, through the first. */
  readonly filters: readonly WantedFilter[];
  matches(topic: string): boolean;
  /** Synchronous, so that packets keep their order. A throw is treated as a refusal. */
  decode(packet: InboundPacket): Decoded[];
  /** Null: this dialect has nothing to say for it, and the delivery is done. */
  encode(row: DeliveryRow): Outgoing | Unsayable | null;
}

export function refused(
  error: string,
  hint: string,
  where?: { home: string; twin: string },
): Decoded {
  return {
    type: 'refused',
    code: 'bad-input',
    error,
    hint,
    ...(where && { home: where.home, twin: where.twin }),
  };
}

export function ignored(reason: string): Decoded {
  return { type: 'ignored', reason };
}

/** The device's part of `via`, or null when another codec wrote it. */
export function deviceOf(via: string | null, codec: string): string | null {
  return via?.startsWith(`${codec}:`) ? via.slice(codec.length + 1) : null;
}
