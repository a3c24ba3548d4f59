import type { ChangeFeed } from './changes.ts';
import type { Clock } from './clock.ts';
import type { DeadLetterVerbs } from './dead-letter-verbs.ts';
import type { Destinations } from './draft.ts';
import type { Address, Inbound, Receipt, Told } from './envelope.ts';
import type { HomeVerbs } from './home-verbs.ts';
import type { IntentVerbs } from './intent-verbs.ts';
import type { AnyKind } from './kind.ts';
import type { Projection } from './projections/projection.ts';
import type { ProjectionVerbs } from './projections/projections.ts';
import type { HomeQuotas } from './quotas.ts';
import type { Sink } from './sink.ts';
import type { SteeringVerbs } from './steering-verbs.ts';
import type { Storage } from './storage/port.ts';
import type { EngineTelemetry } from './telemetry.ts';
import type { TwinVerbs } from './twin-verbs.ts';

export interface EngineOptions {
  storage: Storage;
  kinds: readonly AnyKind[];
  clock: Clock;
  /** Makes unique ids (events, dead letters). */
  newId: () => string;
  telemetry: EngineTelemetry;
  /** Timezone of homes that come into being with a first message. */
  defaultTimezone: string;
  /** Printed with the claim on the homes, so that a refused second start can say who holds them. */
  owner: string;
  /** How long a second start waits for the first owner to let go, ms. Default 15 s. */
  takeoverWaitMs?: number;
  /** Which sink takes which effects; the sinks themselves are added later. */
  destinations: Destinations;
  /** What is kept for how long; see {@link RetentionDays}. */
  retention: RetentionDays;
  /** Called once, when the homes are owned and before any twin has a turn. */
  begin?: () => Promise<Beginning>;
  /** In [0, 1), for jitter. Default Math.random. */
  random?: () => number;
  limits?: Partial<Limits>;
  /**
   * Carries out each deletion of a twin, whoever asks for it: what others have of the twin goes with it. Default: just that.
   * @param remove deletes the twin; throws `unknown-twin` where another of the same id is there by then
   */
  deletes?: Deletes;
  /** Tables that are computed from the log. Default: none, and those that are stored are left as they are. */
  projections?: readonly Projection[];
  /** How much a home may have. Default: any number. */
  quotas?: Partial<HomeQuotas>;
}

/** How an engine begins, and what is to be done before it lets its homes go. */
export interface Beginning {
  /** Kinds whose twins are not to act, as when they are what makes the engine crash. */
  holdBack: readonly string[];
  end(): Promise<void>;
}
export type Deletes = (
  twin: Address & { incarnation: string },
  remove: () => Promise<void>,
) => Promise<void>;

/** Days that the store keeps. Hour and day rollups stay for good. */
export interface RetentionDays {
  journal: number;
  rollups: number;
  /** Ended intents and cleared alerts. */
  ended: number;
}

export interface Limits {
  /** Envelopes that wait in one shard before `overloaded`. */
  mailbox: number;
  /** Envelopes folded into one commit. */
  batch: number;
  /** Twins kept in memory per engine. */
  hotTwins: number;
  /** Telemetry of one twin that may wait apart; what comes on top is folded into one row. */
  telemetryBudget: number;
  /** Turns between two checkpoints of a twin. */
  checkpointEvery: number;
  /** Bytes of JSON that the state of a twin may have: a turn beyond it is refused. */
  stateBytes: number;
}

/** Everything that an adapter or the API may ask of the engine. */
export interface Engine
  extends AsyncDisposable,
    HomeVerbs,
    TwinVerbs,
    IntentVerbs,
    SteeringVerbs,
    DeadLetterVerbs,
    ProjectionVerbs {
  readonly kinds: ReadonlyMap<string, AnyKind>;
  readonly changes: ChangeFeed;
  readonly clock: Clock;
  /** For reading only; whatever changes a twin or a home goes through the engine. */
  readonly storage: Storage;

  /**
   * Hands an event from outside to its twin: for adapters and for requests. The event must be one that the door's
   * sender may send (vocabulary.ts). Resolves after the commit that holds it; while the store is away it waits.
   * @throws EngineError `overloaded` when the mailbox is full (wait with {@link hasRoom}),
   *   `stopping`, `fenced`; `bad-input` for a source that is no door
   */
  dispatch(inbound: Inbound): Promise<Receipt>;
  /**
   * Tells a twin what a feature has decided after its own checks; any event that its kind declares.
   * @throws what {@link dispatch} throws
   */
  tell(told: Told): Promise<Receipt>;
  /** Resolves when the home's mailbox takes envelopes again. */
  hasRoom(home: string): Promise<void>;
  /** Takes effects of its types from now on, beginning with what waits for it in the outbox. */
  addSink(sink: Sink): Disposable;
  /** Tells the outbox that a destination may have become able to deliver (reconnected, a device subscribed). */
  wakeSink(name: string): void;

  /** Ready: owns its homes, the store answers. */
  health(): Health;
  /** Numbers about what is in memory. */
  stats(): EngineStats;
  /** Numbers about what is in the store; counting a million twins takes a while, so theirs may be a minute old. */
  storeStats(): Promise<StoreStats>;
  /** Resolves when no envelope waits, no commit or delivery is under way. */
  idle(): Promise<void>;
}

export interface Health {
  ready: boolean;
  /** What is wrong, for an operator. */
  problems: string[];
}

export interface EngineStats {
  mailbox: number[];
  hotTwins: number;
  waitingTimers: number;
  /** Deliveries in memory, per destination. */
  outbox: Record<string, number>;
  /** Positions of the log up to whose end a destination has still to come. */
  outboxLag: Record<string, number>;
  /** How far the answers of each projection are behind: positions of the log, and seconds. */
  projectionLag: Record<string, { positions: number; seconds: number }>;
  subscribers: number;
}

export interface StoreStats {
  /** Deliveries in the store, and when the oldest was asked for (epoch ms). */
  undelivered: { depth: number; oldestAt: number | null };
  deadLetters: number;
  twins: number;
}
