import type { ChangeFeed } from '../log/change-feed.ts';
import type { ProjectionService } from '../log/projections/projections.ts';
import type { Clock } from '../model/clock.ts';
import type { Address } from '../model/envelope.ts';
import type { AnyKind } from '../model/kind.ts';
import type { Sink } from '../outbox/sink.ts';
import type { StoreReads } from '../storage/reads.ts';
import type { DeadLetterService } from './dead-letter-service.ts';
import type { HomeService } from './home-service.ts';
import type { InboundService } from './inbound-service.ts';
import type { IntentService } from './intent-service.ts';
import type { SteeringService } from './steering-service.ts';
import type { TwinService } from './twin-service.ts';

/** Everything that an adapter or the API may ask of the engine. */
export interface Engine
  extends AsyncDisposable,
    InboundService,
    HomeService,
    TwinService,
    IntentService,
    SteeringService,
    DeadLetterService,
    ProjectionService {
  readonly kinds: ReadonlyMap<string, AnyKind>;
  readonly changes: ChangeFeed;
  readonly clock: Clock;
  /** As it was given to the engine. */
  readonly newId: () => string;
  /** Whatever changes a twin or a home goes through the engine. */
  readonly storage: StoreReads;

  /** Resolves when the home's mailbox takes envelopes again. */
  hasRoom(home: string): Promise<void>;
  /** Takes effects of its types from now on, beginning with what waits for it in the outbox. */
  addSink(sink: Sink): Disposable;
  /**
   * Tells the outbox that a destination may have become able to deliver: as a whole (reconnected), or to these twins
   * (a device is back).
   */
  wakeSink(name: string, twins?: readonly Address[]): void;

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
