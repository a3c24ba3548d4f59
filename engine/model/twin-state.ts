import type { StateValue } from 'xstate';
import type { EventData } from './envelope.ts';
import type { Json, JsonObject } from './json.ts';
import type { Leases } from './lease.ts';

/** What happens when a timer is found late (the process was down, the machine asleep). */
export type Lateness =
  | { policy: 'fire' }
  /** Do not fire when more than `bound` ms late. */
  | { policy: 'skip'; bound: number }
  /** Fires the latest `n` of the missed occurrences of a recurrence. */
  | { policy: 'catchUp'; n: number };

/** A stored deadline of a twin. `due` is epoch ms. */
export interface Timer {
  id: string;
  due: number;
  event: EventData;
  lateness: Lateness;
  /** Set for recurrences: the next deadline follows from it. */
  cron?: { expression: string; timezone: string };
}

/** A command that has not come to its end. */
export interface PendingIntent {
  id: string;
  name: string;
  args: JsonObject;
  status: 'pending' | 'acked';
  createdAt: number;
  expiresAt: number;
  ackedAt: number | null;
  /** The event whose turn asked for it. */
  cause: string;
  correlation: string;
  principal: string;
  /** Reported values that confirm it; absent: the device's ack does. */
  expect?: JsonObject;
  /** Numbers within this distance are equal. */
  tolerance: number;
  /** The expected keys that a report since the command has already met. */
  met: string[];
}

/** An alert that has not been cleared; its row in the alert table outlives it. */
export interface ActiveAlert {
  id: string;
  severity: 'info' | 'warning' | 'critical';
  message: string;
  data: JsonObject | null;
  raisedAt: number;
  acknowledgedAt: number | null;
  acknowledgedBy: string | null;
  cause: string;
  correlation: string;
}

/** An open 5-minute bucket of one measurement; `start` and `lastAt` are epoch ms. */
export interface Bucket {
  start: number;
  count: number;
  sum: number;
  min: number;
  max: number;
  last: number;
  lastAt: number;
}

/**
 * Hashes of external event ids, one after another, oldest first; `at` is when the last of them came
 * (epoch ms), put off by the silences since.
 */
export interface SeenSegment {
  at: number;
  ids: string;
}

/**
 * A twin at a revision: everything that the next turn depends on and nothing else. Stored whole in
 * the twin's row; folding the journal must give it bit for bit.
 */
export interface TwinState {
  value: StateValue;
  historyValue: Json;
  context: JsonObject;
  timers: Timer[];
  pending: PendingIntent[];
  /** The deduplication window (see seen.ts), oldest first. */
  seen: SeenSegment[];
  /** Per event type, the latest `at` that a sender has given. */
  lastAt: Record<string, number>;
  /** Active alerts by key. */
  alerts: Record<string, ActiveAlert>;
  /** Open rollup buckets by measurement. */
  buckets: Record<string, Bucket>;
  /** Who holds which keys of what is desired; absent while nobody does. */
  leases?: Leases;
}
