import type { Clock } from '../model/clock.ts';
import type { DeliveryRow } from '../model/rows.ts';
import type { EngineTelemetry } from '../model/telemetry.ts';
import type { DeliverySource } from './backlog.ts';
import type { DeliveryStore } from './settlement.ts';
import type { QueueLimits } from './waiting-deliveries.ts';

export interface DeliveryQueueOptions {
  storage: DeliveryStore;
  /** What there is to deliver, as it is stored. */
  source: DeliverySource;
  clock: Clock;
  telemetry: EngineTelemetry;
  random: () => number;
  newId: () => string;
  /** Default: see `waiting-deliveries.ts`. */
  limits?: QueueLimits;
  /** A command is handed to its destination. */
  onSending: (row: DeliveryRow) => void;
  /** It has not left the house, and is tried again. */
  onUnsent: (row: DeliveryRow) => void;
  /** It has expired before it could leave. */
  onDropped: (row: DeliveryRow) => void;
  /** A command has left the house. */
  onSent: (row: DeliveryRow) => void;
  /** A destination has refused an effect for good. */
  onDead: (row: DeliveryRow, error: string) => void;
}
