import type { Delivery, OutboxRow } from './rows.ts';

/** What a sink says of one delivery. */
export type DeliveryOutcome =
  | { status: 'delivered' }
  /** The destination cannot take it now; it is tried again after a backoff, or sooner on `wake`. */
  | { status: 'retry'; error: string }
  /** It never will: kept as a dead letter. */
  | { status: 'refused'; error: string; hint?: string };

/**
 * Where effects leave the engine. Each sink is a destination of its own: it has its own queue, and
 * when it fails no other waits. Deliveries come in commit order; those of one twin stay in order.
 */
export interface Sink {
  /** The destination's name, stored with each delivery: `mqtt`. */
  readonly name: string;
  /** The effects it takes. An effect that no sink takes is journaled and streamed, and goes nowhere else. */
  readonly takes: readonly Delivery['type'][];
  /** Outcomes in the order of the rows. A throw counts as `retry` for all of them. */
  deliver(rows: readonly OutboxRow[]): Promise<DeliveryOutcome[]>;
}
