import { hash } from 'node:crypto';
import { EngineError, type ErrorCode, type QuotaBreach } from './errors.ts';
import type { Facts } from './facts.ts';
import type { Json } from './json.ts';
import type { Claim, Overruling } from './lease.ts';
import type { Door, Speaker } from './senders.ts';

/** Where a twin lives. Printed `home/twin` everywhere. */
export interface Address {
  home: string;
  twin: string;
}

/** An event as data: `type` plus the fields that the kind's schema for that type describes. */
export interface EventData {
  type: string;
  [field: string]: Json | undefined;
}

/** What to do with an envelope whose twin does not exist (the provisioning policy of its source). */
export type IfUnknown = 'create' | 'candidate' | 'reject';

/** What everybody who sends an event says of it. */
interface Message extends Address {
  /** The sender's id of the event (payload `id`, `Idempotency-Key`) or one that the source made. */
  id: string;
  /**
   * Whether `id` may prove this event a duplicate of an earlier one: true for an id that the sender
   * gave, and for a redelivered packet that is recognised by its hash.
   */
  dedupe: boolean;
  event: EventData;
  /** When it happened, epoch ms; an insane device time is replaced by the receive time (see {@link saneTime}). */
  at: number;
  /**
   * `at` is the receive time. What happened is then ordered by its arrival, and nothing is late, even
   * where the clock has been set back since the event before.
   */
  undated?: boolean;
  /** Who asked: `device`, `admin`, a user's id … */
  principal: string;
  ifUnknown: IfUnknown;
  /** The sender reads the receipt, so a refusal need not be kept as a dead letter. */
  answered?: boolean;
  /** Only for an event that a caller read a revision for: refuse it if the twin has moved on. */
  ifRevision?: number;
}

/** An event from outside, as a door hands it to the engine, which adds who the door lets speak. */
export interface Inbound extends Message {
  source: Door;
  /** Whether the caller of a request may also say what a device says of itself. */
  mayReport?: boolean;
  /** Id shared by all events of one packet or request; default: the event's own. */
  correlation?: string;
  /** The kind that the source believes the twin to be; needed where `ifUnknown` may create it. */
  kind?: string;
  /**
   * How the device is reached, `codec:device address` (for example `zigbee2mqtt:Living/TRV`). Stored
   * with the twin and handed to the sink with each of its commands.
   */
  via?: string;
  /** It is tried again: a dead letter holds it already, so a refusal leaves no second one. */
  kept?: boolean;
}

/** An event that a feature tells a twin after its own checks. */
export type Told = Message;

/** An event on its way to a twin. */
export interface Envelope extends Omit<Inbound, 'source' | 'correlation' | 'mayReport'> {
  /** Who speaks, which decides what may be said. Not journaled: what was admitted once stays so. */
  sender: Speaker;
  /** The door it came through: `mqtt`, `rest` …; `timer`, `engine`, or `home/twin` for a tell. */
  source: string;
  /** Id of the event that led to this one; null at the start of a chain. */
  cause: string | null;
  /** Id shared by everything that follows from one first event. */
  correlation: string;
  /** Telemetry beyond the twin's budget that this envelope stands for (see mailbox.ts). */
  folded?: FoldedSamples;
  /** What its twin's kind reads of other twins, as it was when this event arose. The engine gathers it. */
  facts?: Facts;
  /** The weight with which the sender wants it, and what follows from it. */
  claim?: Claim;
}

/** What several telemetry events that became one said in sum. */
export interface FoldedSamples {
  samples: number;
  /** Hashes of the latest of their ids, for the deduplication window. */
  ids: string[];
  /** Per numeric field. */
  fields: Record<string, { count: number; sum: number; min: number; max: number }>;
}

/** What became of an envelope, known after its commit. */
export type Receipt =
  | {
      status: 'accepted';
      revision: number;
      effects: string[];
      /** What the sender wanted and does not get, as somebody else holds it. */
      overruled?: Overruling[];
    }
  | { status: 'duplicate'; revision: number; effects: string[] }
  | { status: 'ignored'; revision: number; effects: string[]; reason: string }
  | { status: 'rejected'; code: ErrorCode; reason: string; hint?: string; quota?: QuotaBreach };

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** Whether a text can name a home or a twin: 1–64 letters, digits, `.`, `_`, `-`; no leading sign. */
export function isName(text: string): boolean {
  return NAME.test(text);
}

/** @throws EngineError `bad-input` when the text cannot name a home or twin. */
export function assertName(what: 'home' | 'twin' | 'room', text: string): void {
  if (!isName(text)) {
    throw new EngineError('bad-input', `"${text}" cannot name a ${what}`, {
      hint: 'Use 1 to 64 letters, digits, ".", "_" or "-", beginning with a letter or digit.',
    });
  }
}

/** `home/twin`, the key of a twin in maps and logs. */
export function keyOf(address: Address): string {
  return `${address.home}/${address.twin}`;
}

/**
 * An id that a sender chose, in a name space of its own: ids that the engine makes hold a `/`, and these hold
 * none unless they begin with `~`. So nobody outside can name a turn or an effect as the cause of an event.
 */
export function senderId(id: string): string {
  return id.includes('/') || id.startsWith('~') ? `~${id}` : id;
}

const EARLIEST = Date.UTC(2000, 0, 1);
export const FUTURE_TOLERANCE_MS = 5 * 60_000;

/** The device's time when it is sane (2000 or later, at most 5 min ahead), else the receive time. */
export function saneTime(
  deviceTime: number | undefined,
  receivedAt: number,
): Pick<Envelope, 'at' | 'undated'> {
  return deviceTime !== undefined &&
    deviceTime >= EARLIEST &&
    deviceTime <= receivedAt + FUTURE_TOLERANCE_MS
    ? { at: Math.trunc(deviceTime) }
    : { at: receivedAt, undated: true };
}

/** Characters of an {@link idHash}. */
export const ID_HASH_LENGTH = 8;

/**
 * 48 bits of the id's SHA-256, base64url: what the deduplication window keeps of an event id. Among the
 * 64 of a twin, an id that is new is taken for one of them once in 4 million million events.
 */
export function idHash(id: string): string {
  return hash('sha256', id, 'base64url').slice(0, ID_HASH_LENGTH);
}

/** Whether someone outside stands behind it; what the engine and its twins say among themselves is never late or doubled. */
export function isExternal({ source }: Pick<Envelope, 'source'>): boolean {
  return source !== 'engine' && source !== 'timer' && !source.includes('/');
}
