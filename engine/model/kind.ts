import type { AnyStateMachine, ContextFrom } from 'xstate';
import type { z } from 'zod';
import type { CommandSpecs } from './effect.ts';
import type { EventData } from './envelope.ts';
import type { Facts, Read } from './facts.ts';
import type { JsonObject } from './json.ts';
import type { Observation, Watch } from './observation.ts';
import type { Sender } from './senders.ts';
import type { Lateness } from './twin-state.ts';

export type EventSchemas = Record<string, z.ZodObject>;

/**
 * The union of events that the schemas describe. Each carries `at` (epoch ms), the only clock a
 * machine has: when it happened, by the sender's sane clock. An event that a timer fires has the
 * turn's time there, and in `late` how many ms it came after its deadline. `facts` is what the kind
 * `reads` of other twins, as it was then. `senderPriority` is there for a kind that `passesWishesOn`.
 */
export type EventsOf<S extends EventSchemas> = {
  [T in keyof S & string]: {
    type: T;
    at: number;
    late?: number;
    senderPriority?: number;
    facts?: Facts;
  } & Fields<S[T]>;
}[keyof S & string];

/** zod infers `Record<string, never>` for an object without fields, which would forbid even `type`. */
export type Fields<S extends z.ZodObject> =
  z.infer<S> extends Record<string, never> ? unknown : z.infer<S>;

/** What a machine's `context` function gets when its twin is made. */
export interface KindInput {
  home: string;
  twin: string;
  /** Epoch ms. */
  at: number;
  /** The home's IANA timezone. */
  timezone: string;
}

export interface Measurement {
  /** The unit's symbol: `°C`, `%`, `W` … */
  unit: string;
}

export type Measurements = Record<string, Measurement>;

export interface View {
  /** What the device says. */
  reported: JsonObject;
  /** What people and rules want; retained for the device. */
  desired: JsonObject;
  /** How this twin is configured. */
  settings: JsonObject;
}

/** The machine's part of a stored twin, as `migrate` gets and returns it. */
export interface MachineState {
  value: unknown;
  historyValue: unknown;
  context: JsonObject;
}

export interface Kind<
  S extends EventSchemas = EventSchemas,
  C extends CommandSpecs = CommandSpecs,
  M extends AnyStateMachine = AnyStateMachine,
> {
  kind: string;
  /** Raised when stored state of the former version no longer fits; then `migrate` must lead here. */
  version: number;
  /** One sentence for people who read the list of kinds. */
  description: string;
  /** A zod object per event type: everything that the machine can be told. */
  events: S;
  commands: C;
  /**
   * Numeric values of `reported` or of telemetry that get a history. Beyond ±1e290 a number is no
   * measurement: the event that brings it is refused (`bad-input`).
   */
  measurements: Measurements | ((context: ContextFrom<M>) => Measurements);
  machine: M;
  view(context: ContextFrom<M>): View;
  /** Event types that are folded even when older than the twin's last of that type. Default none. */
  foldsLate?: readonly (keyof S & string)[];
  /** Lateness of `after` and delayed `raise`, by delay name or raise id. Default `fire`. */
  lateness?: Record<string, Lateness>;
  /**
   * Who may send events of a type, where that is not everybody; empty: only the machine itself. The types to which
   * the engine gives a meaning (`telemetry`, `settings.changed` …) have theirs.
   */
  senders?: {
    readonly [T in keyof S & string]?: readonly Sender[];
  };
  /**
   * Whether its twins stand for devices. Of another kind (a room, a rule), no device can come into being, whatever
   * its topic or claim says. Default true.
   */
  isDevice?: boolean;
  /**
   * Event types upon which its twins act of their own accord. While the engine holds the kind back, nobody sends
   * them, and its deadlines wait; what says how a twin is to be is folded all the same.
   */
  impulses?: readonly (keyof S & string)[];
  /**
   * Lists the twins that this twin observes. The engine evaluates it again after each turn, and calls {@link onObserved}
   * for each change of an observed twin.
   */
  watches?(context: ContextFrom<M>): readonly Watch[];
  /** What of other twins of the home goes with each event, as `event.facts`; journaled with it, so keep it small. */
  reads?(context: ContextFrom<M>): readonly Read[];
  /**
   * Its twins tell others what to want in somebody's name: each event carries in `senderPriority` the weight
   * that a wish of its sender has (0 to 100; people and devices 50, rules theirs), for the `claim` of what is told.
   */
  passesWishesOn?: boolean;
  /**
   * Returns the event of this twin's next turn, which follows at once, or null: the change does not concern it, and
   * nothing is written. Pure and fast: the engine calls it for each change of an observed twin.
   * @param facts what the kind `reads`, as it is now
   */
  onObserved?(context: ContextFrom<M>, seen: Observation, facts: () => Facts): EventData | null;
  /** Brings a stored twin from `version` to the next. Called once per version in between. */
  migrate?(stored: MachineState, version: number): MachineState;
}
// biome-ignore lint/suspicious/noExplicitAny: the engine holds kinds of every event set and machine
export type AnyKind = Kind<any, any, any>;
