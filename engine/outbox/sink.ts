import type { Delivery, DeliveryRow } from '../model/rows.ts';

/** What a sink says of one delivery. */
export type DeliveryOutcome =
  | { status: 'delivered' }
  /**
   * It cannot be delivered now; it is tried again after a backoff, or sooner on `wakeSink`. `twin`
   * (the default): only this twin waits, `afterMs` at least. `destination`: it is away as a whole, everything waits.
   * `isAway`: the receiver is not there, which is no failure of the delivery: it is not given up for that.
   */
  | {
      status: 'retry';
      error: string;
      scope?: 'twin' | 'destination';
      afterMs?: number;
      isAway?: boolean;
    }
  /** It never will: kept as a dead letter. */
  | { status: 'refused'; error: string; hint?: string };

/** Rows of the same twin that wait behind one, as far as they are in memory: for a sink that keeps the order itself. */
export type Behind = (row: DeliveryRow) => readonly DeliveryRow[];

/**
 * Where effects leave the engine. Each destination has a queue of its own: when it fails no other waits. Most have one sink; where twins
 * are reached in several ways, by the way that is stored with each or by what somebody knows of it, each way is a sink of the
 * destination (`carries`). Deliveries come in commit order, those of one twin one after the other: the next one
 * is handed over when the former is delivered or given up. Several calls of `deliver` run at once.
 */
export interface Sink {
  /** The destination's name, stored with each delivery: `mqtt`. */
  readonly name: string;
  /**
   * Whether it is this sink that reaches the twin of a delivery, asked each time that one is handed over. Without it: all those that no other
   * sink of the destination carries; nothing is handed over before such a sink is there.
   */
  carries?(row: DeliveryRow): boolean;
  /** The effects it takes. An effect that no sink takes is journaled and streamed, and goes nowhere else. */
  readonly takes: readonly Delivery['type'][];
  /** Calls of `deliver` at once, and rows of one. Default: 4 and 500. */
  readonly pace?: { atOnce: number; rows: number };
  /** Rows of as many twins; outcomes in the order of the rows. A throw counts as `retry` of the destination. */
  deliver(rows: readonly DeliveryRow[], behind?: Behind): Promise<DeliveryOutcome[]>;
}
