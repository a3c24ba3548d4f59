import type { DeliveryRow, Position } from '../model/rows.ts';

/** A delivery of a turn. */
export interface LogDelivery {
  row: DeliveryRow;
  position: Position;
}

/** A delivery that a queue holds in memory. */
export interface Pending {
  row: DeliveryRow;
  /** Where in the log it holds the cursor back; null: it is parked, and does not. */
  position: Position | null;
  /** Whether the store has a row of it. */
  isParked: boolean;
  /** Nobody wants it any more; it is under way, or about to be parked. */
  isWithdrawn: boolean;
  /** It leaves memory as soon as it is parked: its twin has too many, or has no place. */
  isLeaving: boolean;
  /** Something may have changed for it while it was under way: it is tried again at once. */
  isWoken: boolean;
  /** Its dead letter is being stored. */
  isBuried: boolean;
  /** The moment since which it is under way, epoch ms; null: it waits. */
  since: number | null;
}
