import type { z } from 'zod';
import type { Json, JsonObject } from './json.ts';
import type { Claim } from './lease.ts';
import type { Lateness } from './twin-state.ts';

export type Severity = 'info' | 'warning' | 'critical';

/** A command that a kind's devices understand. Made with {@link command}. */
export interface CommandSpec<A extends z.ZodObject = z.ZodObject> {
  args: A;
  /** How long the device has, ms. Default 60 s. */
  ttl?: number;
  /** The reported values that confirm it. Without, the device's ack does. */
  expect?: (args: z.infer<A>) => JsonObject;
  /** Absolute distance within which numbers are equal. Default 0.01. */
  tolerance?: number;
  /** Whether a newer one replaces one that is still open. Default true. */
  supersedes?: boolean;
}
// biome-ignore lint/suspicious/noExplicitAny: a function's argument is contravariant; only `any` lets every spec in
export type CommandSpecs = Record<string, CommandSpec<any>>;

/** Declares a command, with `expect` typed by `args`. */
export function command<A extends z.ZodObject>(spec: CommandSpec<A>): CommandSpec<A> {
  return spec;
}

type CommandOf<C extends CommandSpecs> = {
  [N in keyof C & string]: {
    type: 'command';
    name: N;
    args: z.infer<C[N]['args']>;
    /** Overrides of what the command's declaration says. */
    ttl?: number;
    expect?: JsonObject;
  };
}[keyof C & string];

export interface AlertEffect {
  type: 'alert';
  /** Names the condition within the twin; raising an active key again changes nothing. */
  key: string;
  severity: Severity;
  state: 'raised' | 'cleared';
  message: string;
  data?: JsonObject;
}

export interface TellEffect {
  type: 'tell';
  /** A twin of the same home, or all twins that stand in a relation (`room`, `members`). */
  to: string | { relation: string };
  event: { type: string } & { [field: string]: Json | undefined };
  /** Ends the id of what is told, `home/twin@revision#n~ref`: a command that comes of it names that as its cause. */
  ref?: string;
  /** The weight with which `desired.changed` or a command is claimed; without it, the least. */
  claim?: Claim;
  /** The author of a rule or the like chose the event, not the kind's code: it may be one that rules may send. */
  authored?: true;
}

/** Arms a stored deadline; the same `id` replaces it. Exactly one of `at` (epoch ms) and `cron`. */
export interface ScheduleEffect {
  type: 'schedule';
  id: string;
  at?: number;
  cron?: string;
  /** IANA name; required with `cron`. */
  timezone?: string;
  event: { type: string } & { [field: string]: Json | undefined };
  lateness?: Lateness;
}

export interface UnscheduleEffect {
  type: 'unschedule';
  id: string;
}

/** Asks for a model to be trained again on the twin's history; `range` in epoch ms. */
export interface RetrainEffect {
  type: 'retrain';
  model: string;
  reason: string;
  range: { from: number; to: number };
}

export interface NotifyEffect {
  type: 'notify';
  title: string;
  message: string;
  severity: Severity;
  data?: JsonObject;
}

/** A request to a service outside, sent at least once, with the effect's id as its `Idempotency-Key`. */
export interface WebhookEffect {
  type: 'webhook';
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  url: string;
  headers: Record<string, string>;
  /** Headers in which `${secrets.name}` stands for a secret of the home; put in when it leaves, and nowhere else. */
  secretHeaders?: Record<string, string>;
  /** A text is sent as it is, anything else as JSON. */
  body?: Json;
  /** How long an answer may take. */
  timeoutMs?: number;
  /** Statuses that mean that it was taken. Default: 200 to 299. */
  expect?: number[];
}

/** What a twin on trial would have asked for: it stands in the journal, and nothing comes of it. */
export interface WithheldEffect {
  type: 'withheld';
  effect: AlertEffect | TellEffect | RetrainEffect | NotifyEffect | WebhookEffect;
}

type EffectWithoutCommand =
  | AlertEffect
  | TellEffect
  | ScheduleEffect
  | UnscheduleEffect
  | RetrainEffect
  | NotifyEffect
  | WebhookEffect
  | WithheldEffect;

/** All that a machine may emit; the engine interprets it after the turn. */
// biome-ignore lint/complexity/noBannedTypes: no commands is the empty set of names
export type Effect<C extends CommandSpecs = {}> = CommandOf<C> | EffectWithoutCommand;

/** An emitted effect whose command names are not known statically, as the engine meets it. */
export type AnyEffect =
  | { type: 'command'; name: string; args: JsonObject; ttl?: number; expect?: JsonObject }
  | EffectWithoutCommand;

/** An effect as journaled and delivered: with its deterministic id. */
export type RecordedEffect = AnyEffect & {
  id: string;
  /** A command that was not sent, as its twin refused it. */
  refused?: true;
};
