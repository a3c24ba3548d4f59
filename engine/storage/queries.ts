/** What is asked of a store, page by page, and what it answers. */
import type { Address } from '../model/envelope.ts';
import type { AlertRow, IntentStatus, JournalRow } from '../model/rows.ts';
import type { PendingIntent } from '../model/twin-state.ts';

export interface PageRequest {
  limit: number;
  /** Opaque; from the former page's `nextCursor`. @throws EngineError `bad-input` for any other text */
  cursor?: string | undefined;
}
export interface Page<T> {
  items: T[];
  nextCursor: string | null;
}

export interface TwinFilter {
  kind?: string | undefined;
  room?: string | undefined;
  /** A state by its path, `link.offline`, or a top-level state, `idle`. */
  state?: string | undefined;
  /** Case-insensitive part of the id or name. */
  text?: string | undefined;
}
export interface IntentFilter {
  twin?: string | undefined;
  status?: IntentStatus | undefined;
  /** Id of the event that asked for it. */
  cause?: string | undefined;
}
export interface AlertFilter {
  twin?: string | undefined;
  status?: AlertRow['status'] | undefined;
}
/** `from` inclusive, `to` exclusive. */
export interface Range {
  from: number;
  to: number;
}
/** Where a turn stands in the journal of its home. */
export type TurnKey = readonly [receivedAt: number, twin: string, revision: number];
export interface TurnFilter {
  kind?: string | undefined;
  /** The type of the event. */
  type?: string | undefined;
  principal?: string | undefined;
  /** Only turns that changed the state or a reported label. */
  changed?: boolean | undefined;
  /** Kinds whose twins' turns do not pass. */
  exceptKinds?: readonly string[] | undefined;
}

/** What a turn has changed, of its journal row. */
export type ChangeRow = Pick<JournalRow, 'revision' | 'at' | 'receivedAt' | 'state' | 'reported'>;

/** `from` inclusive, `to` exclusive, epoch ms. */
export interface HistoryQuery extends Address {
  measurement: string;
  from: number;
  to: number;
}
/** Where a stretch of samples begins: a moment, and a place among the turns that happened then. */
export type SampleKey = readonly [at: number, place: number];
export interface SampleStretch {
  samples: { at: number; value: number }[];
  /** Where the next one begins; null: nothing is left of the span. */
  next: SampleKey | null;
}
export interface OpenCommands extends Address {
  incarnation: string;
  pending: PendingIntent[];
}
