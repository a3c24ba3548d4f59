/**
 * The event types to which the engine gives a meaning, and who may send which event. Every door asks this
 * table, and the engine asks it again for each envelope: {@link sendersOf}.
 */
import { z } from 'zod';
import type { Envelope, EventData, Inbound } from './envelope.ts';
import { EngineError } from './errors.ts';
import { isJsonObject, type Json, type JsonObject } from './json.ts';
import { own } from './own.ts';
import { parseSafely } from './parse-safely.ts';
import { DOORS, type Sender, type Speaker } from './senders.ts';

/**
 * The sender as which the door of an event lets it speak.
 * @throws EngineError `bad-input` for a text that is no door
 */
export function speakerAt({
  source,
  mayReport,
}: Pick<Inbound, 'source' | 'mayReport'>): Speaker | EngineError {
  const sender = own<Sender>(DOORS, source);
  if (sender === undefined) {
    return new EngineError('bad-input', `"${source}" is no door of the engine`, {
      hint: `The doors are: ${Object.keys(DOORS).join(', ')}.`,
    });
  }
  return sender === 'person' && mayReport === true ? 'reporter' : sender;
}

/** The sender of an event that was kept before envelopes named it: by its door, or the engine or a twin of then. */
export function speakerOf(kept: Omit<Envelope, 'sender'> & { sender?: Speaker }): Speaker {
  return kept.sender ?? own<Sender>(DOORS, kept.source) ?? 'engine';
}

interface Word {
  from: readonly Sender[];
  /** The data of events that the engine itself folds. Others have the schema of their kind. */
  data?: z.ZodObject;
}

const id = z.string().max(1_000);
const jsonObject = z.custom<JsonObject>(isJsonObject, 'this is no JSON object');
const ENGINE = ['engine'] as const;
const INSIDE = ['twin', 'engine'] as const;
const DEVICE = ['device', 'engine'] as const;

/** Events that the engine folds by itself; the machine hears of them in its own words, if it listens. */
export const ENGINE_EVENTS = {
  ack: {
    from: DEVICE,
    data: z.object({ intent: id.min(1), ok: z.boolean(), error: z.string().optional() }),
  },
  'intent.sent': { from: ENGINE, data: z.object({ intent: id }) },
  'intent.expired': {
    from: ENGINE,
    data: z.object({ intent: id, failed: z.boolean().optional() }),
  },
  'timer.fired': {
    from: ENGINE,
    data: z.object({
      timer: id,
      due: z.number(),
      forced: z.boolean().optional(),
      failed: z.boolean().optional(),
      // What an earlier turn has put into the journal comes again when it is replayed
      occurrence: z.number().optional(),
      late: z.number().optional(),
      skipped: z.boolean().optional(),
    }),
  },
  'timer.cancelled': { from: ENGINE, data: z.object({ timer: id }) },
  'command.requested': {
    from: INSIDE,
    data: z.object({
      name: z.string(),
      args: jsonObject.optional(),
      ttl: z.number().optional(),
      expect: jsonObject.optional(),
    }),
  },
  'desired.released': { from: INSIDE, data: z.object({ holder: z.string().optional() }) },
  'lease.expired': {
    from: ENGINE,
    data: z.object({ until: z.number().optional(), failed: z.boolean().optional() }),
  },
  'alert.acknowledged': { from: ENGINE, data: z.object({ alert: id, key: z.string().optional() }) },
  'twin.changed': {
    from: ENGINE,
    data: z.object({ name: z.string().optional(), room: z.string().nullable().optional() }),
  },
} as const satisfies Record<string, Word & { data: z.ZodObject }>;
export type EngineEventType = keyof typeof ENGINE_EVENTS;

/** Events that kinds declare and fold, and that mean the same in all of them. */
const SHARED_EVENTS: Readonly<Record<string, Word>> = {
  telemetry: { from: DEVICE },
  status: { from: DEVICE },
  'desired.changed': { from: INSIDE },
  'desired.overruled': { from: ENGINE },
  'settings.changed': { from: ENGINE },
  'twin.created': { from: ENGINE },
  'intent.acked': { from: ENGINE },
  'intent.confirmed': { from: ENGINE },
  'intent.failed': { from: ENGINE },
  'intent.superseded': { from: ENGINE },
  'member.joined': { from: ENGINE },
  'member.left': { from: ENGINE },
  'home.changed': { from: ENGINE },
};

/** Names that begin like this are kept for the engine, unless a kind says who sends its event of such a name. */
const ENGINE_NAMES = /^(intent|timer|twin|alert|member|home|lease|xstate)\./;

/** Who may send an event that a kind declares and says nothing else of. */
const ANYBODY: readonly Sender[] = ['device', 'person', 'rule', 'twin', 'engine'];
/** The same of twins that stand for no device. */
const NO_DEVICE: readonly Sender[] = ['person', 'rule', 'twin', 'engine'];

/** Whether the engine gives a meaning to events of this type, in every kind. */
export function isReserved(type: string): boolean {
  return Object.hasOwn(ENGINE_EVENTS, type) || Object.hasOwn(SHARED_EVENTS, type);
}

/** What {@link sendersOf} asks of a kind. */
export interface Listening {
  kind: string;
  isDevice?: boolean;
  senders?: { readonly [type: string]: readonly Sender[] | undefined };
}

/** Who may send events of a type to twins of a kind. */
export function sendersOf(kind: Listening, type: string): readonly Sender[] {
  const word = own<Word>(ENGINE_EVENTS, type) ?? own<Word>(SHARED_EVENTS, type);
  if (word) return word.from;
  const declared = kind.senders && own<readonly Sender[] | undefined>(kind.senders, type);
  if (declared) return declared;
  if (ENGINE_NAMES.test(type)) return ENGINE;
  return kind.isDevice === false ? NO_DEVICE : ANYBODY;
}

/** The same senders for several event types, for a kind's `senders`. */
export function sentBy<E extends object>(
  events: E,
  ...senders: readonly Sender[]
): { readonly [T in keyof E]: readonly Sender[] } {
  const entries = Object.keys(events).map((type) => [type, senders]);
  return Object.fromEntries(entries) as { [T in keyof E]: readonly Sender[] };
}

/** @throws EngineError `unknown-event` where this sender may not say this to a twin of the kind */
export function assertMaySay(
  kind: Listening,
  { sender, event }: Pick<Envelope, 'sender' | 'event'>,
): void {
  const objection = objectionTo(kind, sender, event.type);
  if (objection) throw objection;
}

/** Why this sender may not say this to a twin of the kind; null: it may. */
export function objectionTo(kind: Listening, sender: Speaker, type: string): EngineError | null {
  if (sender === 'engine') return null;
  const senders = sendersOf(kind, type);
  const isHeard =
    sender === 'reporter'
      ? senders.includes('person') || senders.includes('device')
      : senders.includes(sender);
  if (isHeard) return null;
  return new EngineError(
    'unknown-event',
    `${WHO[sender]} cannot send "${type}" to a ${kind.kind}`,
    {
      hint: hintFor(sender, type, senders),
    },
  );
}

const WHO: Record<Speaker, string> = {
  device: 'a device',
  message: 'a message',
  person: 'a request',
  reporter: 'a request',
  rule: 'a rule’s "send"',
  twin: 'another twin',
  engine: 'the engine',
};

function hintFor(sender: Speaker, type: string, senders: readonly Sender[]): string {
  if (sender === 'device' && CHANNELS[type]) return CHANNELS[type];
  if (sender === 'rule' && ACTIONS[type]) return ACTIONS[type];
  if (sender === 'person' && senders.includes('device')) {
    return 'Only its device says this, or who has the permission twin.report-for.';
  }
  if (senders.length === 0) return 'Only the twin itself makes events of this type.';
  if (senders.every((one) => one === 'engine')) return 'Only the engine makes events of this type.';
  return `Events of this type come from: ${senders.map((one) => WHO[one]).join(', ')}.`;
}

const CHANNELS: Readonly<Record<string, string>> = {
  'desired.changed': 'Report what the device is like now in its telemetry.',
};

const ACTIONS: Readonly<Record<string, string>> = {
  'desired.changed': 'Use the action "set".',
  'desired.released': 'Use the action "release".',
  'command.requested': 'Use the action "command".',
};

/** The words that the engine itself writes into the journal, beside the event's. */
const JOURNAL_WORDS = new Set(['folded', 'facts', 'claim']);
/** These the engine adds for the machine; an event has them from its sender only where its schema names them. */
const MACHINE_WORDS = new Set(['at', 'late', 'senderPriority']);

/**
 * An event's data by its schema: what the schema does not name does not get into the journal.
 * @throws EngineError `bad-input`
 */
export function parseData(
  schema: z.ZodObject,
  { type, ...given }: EventData,
  hint: string,
): EventData {
  const parsed = parseSafely(schema, given);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new EngineError(
      'bad-input',
      `${type}: ${issue?.path.join('.') || '(all)'}: ${issue?.message}`,
      { hint },
    );
  }
  const event: EventData = { type };
  for (const [name, value] of Object.entries(parsed.data as Record<string, Json>)) {
    if (JOURNAL_WORDS.has(name)) continue;
    if (MACHINE_WORDS.has(name) && !Object.hasOwn(schema.shape, name)) continue;
    event[name] = value;
  }
  return event;
}
