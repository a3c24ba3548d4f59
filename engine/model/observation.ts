import type { Address, EventData } from './envelope.ts';
import type { Json, JsonObject } from './json.ts';
import type { AlertRow, IntentWrite } from './rows.ts';

/** Whose changes a twin wants to hear of: one twin of its home, all in a room, all of a kind, or everyone. */
export type Watch = { twin: string } | { room: string } | { kind: string } | { everyone: true };

/** A twin as others see it. */
export interface Aspect {
  /** The XState value. */
  state: Json;
  reported: JsonObject;
  desired: JsonObject;
  settings: JsonObject;
  /** Keys of its alerts that are not cleared. */
  alerts: readonly string[];
  room: string | null;
}

/** A turn of a twin as its watchers see it. */
export interface Observation extends Address {
  kind: string;
  name: string;
  /** Null: the twin came into being. */
  before: Aspect | null;
  after: Aspect;
  event: EventData;
  eventId: string;
  /** When it happened, epoch ms; `receivedAt` is the turn's own time. */
  at: number;
  receivedAt: number;
  /** Id of the turn: `home/twin@revision`. */
  turn: string;
  /** Commands and alerts that changed with this turn, as they are now. */
  intents: readonly IntentWrite[];
  alerts: readonly AlertRow[];
}
