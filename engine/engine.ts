import type { ChangeFeed } from './changes.ts';
import type { Clock } from './clock.ts';
import type { Destinations } from './draft.ts';
import type { Address, Envelope, Receipt } from './envelope.ts';
import type { HistoryPoint, HistoryResolution } from './history.ts';
import type { JsonObject } from './json.ts';
import type { AnyKind, View } from './kind.ts';
import type { ReplayReport } from './replay.ts';
import type { DeadLetterRow, HomeRow, IntentRow, TwinRow } from './rows.ts';
import type { Sink } from './sink.ts';
import type { HistoryQuery, Storage } from './storage/port.ts';
import type { EngineTelemetry } from './telemetry.ts';

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
  /** In [0, 1), for jitter. Default Math.random. */
  random?: () => number;
  limits?: Partial<Limits>;
}

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
}

/** A twin with its kind applied: what people may see of it. */
export interface TwinReading {
  row: TwinRow;
  view: View;
}

/** Everything that an adapter or the API may ask of the engine. */
export interface Engine extends AsyncDisposable {
  readonly kinds: ReadonlyMap<string, AnyKind>;
  readonly changes: ChangeFeed;
  readonly clock: Clock;
  /** For reading only; whatever changes a twin or a home goes through the engine. */
  readonly storage: Storage;

  /**
   * Hands an event to its twin. Resolves after the commit that holds it.
   * @throws EngineError `overloaded` when the mailbox is full (wait with {@link hasRoom}),
   *   `storage-unavailable` never: the promise waits until the store is back; `stopping` on close
   */
  dispatch(envelope: Envelope): Promise<Receipt>;
  /** Resolves when the home's mailbox takes envelopes again. */
  hasRoom(home: string): Promise<void>;
  /** Takes effects of its types from now on, beginning with what waits for it in the outbox. */
  addSink(sink: Sink): Disposable;
  /** Tells the outbox that a destination may have become able to deliver (reconnected, a device subscribed). */
  wakeSink(name: string): void;
  /** Takes back packets that {@link bury} kept, for `retryDeadLetter`. */
  addPacketSource(
    name: string,
    redeliver: (topic: string, payload: Buffer) => Promise<void>,
  ): Disposable;
  /** Keeps a packet that no codec could read. Never throws; counted even when the store is away. */
  bury(packet: {
    source: string;
    home: string | null;
    twin: string | null;
    topic: string;
    payload: Buffer;
    code: 'bad-input' | 'unknown-kind' | 'unknown-home';
    error: string;
    hint: string;
  }): Promise<void>;

  createHome(home: Omit<HomeRow, 'createdAt'>): Promise<HomeRow>;
  updateHome(
    id: string,
    change: { name?: string; timezone?: string },
    by: Requester,
  ): Promise<HomeRow>;
  deleteHome(id: string): Promise<void>;

  /** @throws EngineError `unknown-home`, `unknown-kind`, `conflict` if the twin exists, `bad-input` */
  createTwin(
    twin: Address & {
      kind: string;
      name?: string;
      room?: string | null;
      via?: string | null;
      settings?: JsonObject;
    },
    by: Requester,
  ): Promise<TwinReading>;
  /** @throws EngineError `unknown-twin`, `stale-revision`, `bad-input` */
  updateTwin(
    address: Address,
    change: { name?: string; room?: string | null; settings?: JsonObject },
    by: Requester,
  ): Promise<TwinReading>;
  deleteTwin(address: Address): Promise<void>;
  /** Null when there is none. */
  readTwin(address: Address): Promise<TwinReading | null>;
  /** Applies the kind to a stored row. */
  view(row: TwinRow): View;
  /** Makes the twin of a candidate (and its home, if need be). */
  acceptCandidate(
    address: Address,
    as: { name?: string; room?: string | null },
    by: Requester,
  ): Promise<TwinReading>;

  /** Merge patch of the desired state, as event `desired.changed`. */
  desire(address: Address, patch: JsonObject, by: Requester): Promise<Receipt>;
  /**
   * Sends a command that the kind declares.
   * @throws EngineError `bad-input` with the names it has, or for wrong arguments
   */
  command(
    address: Address,
    command: { name: string; args: JsonObject; ttl?: number },
    by: Requester,
  ): Promise<IntentRow>;
  /** Fires a timer now, as if it fell due. @throws EngineError `not-found` */
  fireTimer(address: Address, timer: string, by: Requester): Promise<Receipt>;
  cancelTimer(address: Address, timer: string, by: Requester): Promise<Receipt>;
  acknowledgeAlert(home: string, alert: string, by: Requester): Promise<Receipt>;
  /** Dispatches, decodes or delivers it again; on success the letter is gone. */
  retryDeadLetter(
    id: string,
  ): Promise<{ resolved: boolean; letter: DeadLetterRow; reason?: string }>;

  /** History of one measurement, oldest first, at most 20,000 points. @throws EngineError `unknown-twin`, `bad-input` */
  history(query: HistoryQuery, resolution: HistoryResolution): Promise<HistoryPoint[]>;
  /** Folds the journal from the latest checkpoint and compares with the stored state. */
  replay(address: Address): Promise<ReplayReport>;

  /** Ready: owns its homes, the store answers. */
  health(): Health;
  /** Numbers for metrics; asks the store for some. */
  stats(): Promise<EngineStats>;
  /** Resolves when no envelope waits, no commit or delivery is under way. */
  idle(): Promise<void>;
}

/** Who asks, and with which idempotency key. */
export interface Requester {
  principal: string;
  source: string;
  /** `Idempotency-Key`; makes a repeated request a duplicate. */
  key?: string;
  ifRevision?: number;
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
  /** Deliveries in the store, and when the oldest was asked for (epoch ms). */
  undelivered: { depth: number; oldestAt: number | null };
  deadLetters: number;
  twins: number;
  subscribers: number;
}
