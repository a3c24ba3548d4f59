import type { Quotas } from '../batch/quotas.ts';
import type { Clock } from '../model/clock.ts';
import {
  type Address,
  type Envelope,
  type EventData,
  type Receipt,
  senderId,
} from '../model/envelope.ts';
import type { AnyKind } from '../model/kind.ts';
import type { EngineTelemetry } from '../model/telemetry.ts';
import type { Send } from '../outbox/sends.ts';
import type { Shard } from '../shard/shard.ts';
import type { Storage } from '../storage/port.ts';
import type { Deletes } from './engine-options.ts';
import type { Requester } from './requester.ts';

/** What the engine's services share: the way to a home's shard, and how a request becomes an envelope. */
export interface Core {
  storage: Storage;
  clock: Clock;
  telemetry: EngineTelemetry;
  kinds: ReadonlyMap<string, AnyKind>;
  newId: () => string;
  quotas: Quotas;
  deletes: Deletes;
  defaultTimezone: string;
  shardOf(home: string): Shard;
  post(envelope: Envelope): Promise<Receipt>;
  /** What is known of how an open command was sent; it may be from before this engine. */
  sendOf(twin: { incarnation: string }, id: string): Send;
  /** A row has come into the store behind the outbox's back. */
  reloadOutbox(): void;
  /** A home has gone. */
  forgetChanges(home: string): void;
  /**
   * Carries out a deletion in the store while no batch of the home is under way, and has the outbox and projections forget
   * what waits there of the twin or the home: before it can be made anew. Where the outcome is not known, memory is not
   * trusted any more.
   */
  deleteFor(deleted: { home: string; twin?: string }, remove: () => Promise<void>): Promise<void>;
}

/** An event that someone asks for and waits for the answer to. */
export function requestEnvelope(
  core: Core,
  address: Address,
  event: EventData,
  by: Requester,
): Envelope {
  const id = by.key === undefined ? core.newId() : senderId(by.key);
  return {
    home: address.home,
    twin: address.twin,
    id,
    dedupe: by.key !== undefined,
    event,
    at: core.clock.now(),
    undated: true,
    source: by.source,
    sender: 'engine',
    cause: null,
    correlation: id,
    principal: by.principal,
    ifUnknown: 'reject',
    answered: true,
    ...(by.ifRevision !== undefined && { ifRevision: by.ifRevision }),
  };
}
