import type { Delivery, DeliveryRow } from '../model/rows.ts';

/** What a sink says of one delivery. */
export type DeliveryOutcome =
  | { status: 'delivered' }
  /**
   * It cannot be delivered now; it is tried again after a backoff, or sooner on `wakeSink`. `twin`
   * (the default): only this twin waits, `afterMs` at least. `destination`: it is away as a whole, everything waits.
   */
  | { status: 'retry'; error: string; scope?: 'twin' | 'destination'; afterMs?: number }
  /** It never will: kept as a dead letter. */
  | { status: 'refused'; error: string; hint?: string };

/**
 * Where effects leave the engine. Each sink is a destination of its own: it has its own queue, and
 * when it fails no other waits. Deliveries come in commit order; those of one twin stay in order, and
 * a twin that is slow to take them holds up few others: several calls of `deliver` run at once.
 */
export interface Sink {
  /** The destination's name, stored with each delivery: `mqtt`. */
  readonly name: string;
  /** The effects it takes. An effect that no sink takes is journaled and streamed, and goes nowhere else. */
  readonly takes: readonly Delivery['type'][];
  /** Calls of `deliver` at once, and rows of one. Default: 4 and 500. */
  readonly pace?: { atOnce: number; rows: number };
  /** Outcomes in the order of the rows. A throw counts as `retry` of the destination. */
  deliver(rows: readonly DeliveryRow[]): Promise<DeliveryOutcome[]>;
}
