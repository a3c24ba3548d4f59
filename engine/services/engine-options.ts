import type { HomeQuotas } from '../batch/quotas.ts';
import type { Projection } from '../log/projections/projection.ts';
import type { Clock } from '../model/clock.ts';
import type { Address } from '../model/envelope.ts';
import type { AnyKind } from '../model/kind.ts';
import type { EngineTelemetry } from '../model/telemetry.ts';
import type { Storage } from '../storage/port.ts';
import type { Destinations } from '../turn/turned.ts';

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
  /** A random number in [0, 1), for jitter. Default Math.random. */
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
