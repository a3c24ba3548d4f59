/** The records that the engine stores, as both storages give and take them. Times are epoch ms. */
import type { RecordedEffect, WebhookEffect } from './effect.ts';
import type { Address, Envelope, EventData } from './envelope.ts';
import type { Json, JsonObject } from './json.ts';
import type { Labels } from './labels.ts';
import type { TwinState } from './twin-state.ts';

/** A home: the tenant and partition unit. */
export interface HomeRow {
  id: string;
  /** Differs from that of a former home of the same id; empty for homes from before there were any. */
  incarnation: string;
  name: string;
  /** IANA name. */
  timezone: string;
  createdAt: number;
}

/** A twin at its latest revision. */
export interface TwinRow extends Address {
  kind: string;
  /** Differs from that of a former twin of the same address; empty for twins from before there were any. */
  incarnation: string;
  /** The kind's version that wrote `state`. */
  version: number;
  name: string;
  room: string | null;
  /** How the device is reached (see `Envelope.via`). */
  via: string | null;
  revision: number;
  state: TwinState;
  /** A lower bound of the twin's next deadline; null when nothing waits. */
  wakeAt: number | null;
  createdAt: number;
  updatedAt: number;
  /** `at` of the last event from outside; null before the first. */
  lastEventAt: number | null;
}

/** A twin with the twins it stands in a relation to: `room` → [its room], `members` → [inverse of `room`]. */
export interface LoadedTwin extends TwinRow {
  relations: Record<string, string[]>;
}

/** One turn of one twin, append-only. Revision 0 is the twin's creation. */
export interface JournalRow extends Address {
  revision: number;
  /** When it happened, by the sender's sane clock. */
  at: number;
  /** The turn's own time, from which its delays count. */
  receivedAt: number;
  event: EventData;
  eventId: string;
  source: string;
  cause: string | null;
  correlation: string;
  principal: string;
  /** Whether `eventId` went into the deduplication window. */
  dedupe: boolean;
  /** Older than the twin's last event of its type; folded only if the kind says so. */
  late: boolean;
  /** The state value after the turn, when the turn changed it. */
  state: Json | null;
  /** Reported values other than numbers that the turn changed (labels.ts); null: none. */
  reported: Labels | null;
  effects: RecordedEffect[];
  /** What is desired after the turn, when the turn changed it. */
  desired: JsonObject | null;
  /**
   * The epoch of the database when the turn was folded, which its ids carry; 0 for turns from before it was journaled.
   */
  epoch: number;
}

/** Where a row stands in the log: which sequence of commits stored it, and its place among all rows. */
export interface Position {
  writer: number;
  /** Rises with each row of a writer, of a home and of a twin; there are gaps. */
  seq: number;
}

/** A turn in the log. `writer` -1: from before there were positions, its `seq` is the ms in which it was received. */
export type LogRow = JournalRow & Position;

export type IntentStatus =
  | 'pending'
  | 'sent'
  | 'acked'
  | 'confirmed'
  | 'failed'
  | 'expired'
  | 'superseded';

/** A command and its life. `sentAt` and `attempts` belong to the outbox, the rest to the fold. Stored once it has ended. */
export interface IntentRow extends Address {
  /** The id of the command effect. */
  id: string;
  name: string;
  args: JsonObject;
  status: IntentStatus;
  createdAt: number;
  expiresAt: number;
  sentAt: number | null;
  attempts: number;
  ackedAt: number | null;
  confirmedAt: number | null;
  /** When it reached a final status. */
  endedAt: number | null;
  error: string | null;
  /** Id of the event whose turn asked for it. */
  cause: string;
  correlation: string;
  principal: string;
}

/** What a turn knows of an intent. */
export type IntentWrite = Omit<IntentRow, 'sentAt' | 'attempts'>;

/** An alert: raised → acknowledged → cleared. */
export interface AlertRow extends Address {
  /** The id of the effect that raised it. */
  id: string;
  key: string;
  severity: 'info' | 'warning' | 'critical';
  status: 'raised' | 'acknowledged' | 'cleared';
  message: string;
  data: JsonObject | null;
  raisedAt: number;
  acknowledgedAt: number | null;
  acknowledgedBy: string | null;
  clearedAt: number | null;
  /** Id of the event whose turn raised it. */
  cause: string;
  correlation: string;
}

/** An effect on its way to a destination. In the log it is a part of its turn; a row of its own it is while it is parked. */
export interface DeliveryRow extends Address {
  /** The effect's id; receivers deduplicate on it. */
  id: string;
  /** The sink that will take it. */
  destination: string;
  delivery: Delivery;
  createdAt: number;
  /** Never delivered after this moment; null: no limit. */
  expiresAt: number | null;
  attempts: number;
  /** The earliest moment. */
  notBefore: number;
}

/** What a sink is handed. */
export type Delivery = { kind: string; via: string | null } & (
  | { type: 'command'; name: string; args: JsonObject; expiresAt: number }
  /** The desired state as a whole, retained for the device. */
  | { type: 'desired'; desired: JsonObject; revision: number }
  | { type: 'retrain'; model: string; reason: string; range: { from: number; to: number } }
  | { type: 'notify'; title: string; message: string; severity: string; data?: JsonObject }
  | WebhookEffect
);

/** Resolutions of stored history. */
export type Resolution = '5m' | '1h' | '1d';

/**
 * Samples of one measurement in one bucket. Written as an increment: storage merges it into the
 * bucket's row (min of mins, sum of sums, `last` of the later `lastAt`).
 */
export interface RollupRow extends Address {
  measurement: string;
  resolution: Resolution;
  /** Start of the bucket, epoch ms, aligned to UTC. */
  start: number;
  count: number;
  sum: number;
  min: number;
  max: number;
  last: number;
  lastAt: number;
}

/** A stored state that replay can begin from. */
export interface CheckpointRow extends Address {
  revision: number;
  kind: string;
  version: number;
  state: TwinState;
  at: number;
}

/** Something that could not be folded or delivered, kept with what an operator needs to mend it. */
export interface DeadLetterRow {
  id: string;
  /** Null where the input did not even name a valid home. */
  home: string | null;
  twin: string | null;
  source: string;
  /** The error's code. */
  code: string;
  error: string;
  hint: string | null;
  at: number;
  attempts: number;
  content: DeadLetterContent;
}

export type DeadLetterContent =
  /** An event that its twin refused: retried by dispatching it again. */
  | { type: 'envelope'; envelope: Envelope }
  /** A packet that its codec could not read: retried through its source. `payload` is base64, cut at 64 KiB. */
  | { type: 'packet'; topic: string; payload: string; truncated: boolean }
  /** An effect that its destination refused for good: retried by putting it into the outbox again. */
  | { type: 'delivery'; outbox: DeliveryRow };

/** A device that spoke before anyone claimed it. */
export interface CandidateRow extends Address {
  kind: string;
  via: string | null;
  firstSeenAt: number;
  lastSeenAt: number;
  /** How many of its messages were not folded. */
  messages: number;
  lastEvent: EventData;
}

/** Sets all targets of one relation of a twin. */
export interface RelationWrite extends Address {
  name: string;
  targets: string[];
}

/**
 * `building`: from the log, beside the one that answers. `active`: answers. `retired`: answers, but no definition names
 * its projection any more. `ended`: its rows are being deleted.
 */
export type GenerationStatus = 'building' | 'active' | 'retired' | 'ended';

/** One building of a projection from the log, and how far it has come. */
export interface GenerationRow {
  name: string;
  generation: number;
  /** The version of the definition. */
  version: number;
  status: GenerationStatus;
  /** Position up to which all turns are applied. */
  cursor: number;
  /** The position before the first turn that it was built from; null before that. */
  start: number | null;
  /** When that turn was received. */
  since: number | null;
  /** When the last applied turn was received. */
  appliedAt: number | null;
  begunAt: number;
  /** When it became active. */
  builtAt: number | null;
  /** Turns that were left out. */
  skipped: number;
  /** Why the last of them was. */
  error: string | null;
}

/** Which row of a projection. `twin` is empty for rows of the home as a whole; keys sort as bytes. */
export interface ProjectedKey extends Address {
  key: string;
}
export interface ProjectedRow extends ProjectedKey {
  value: Json;
}
