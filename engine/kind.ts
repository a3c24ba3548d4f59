/**
 * The authoring contract: what someone who writes a kind of twin imports, and all of it.
 * A kind is behaviour (a pure statechart) plus the schemas of what goes in and out.
 */

export { defineKind, isKind } from './kernel/define-kind.ts';
export { anyJson, anyJsonObject } from './model/any-json.ts';
export { type CommandSpec, type CommandSpecs, command, type Effect } from './model/effect.ts';
export type { EventData } from './model/envelope.ts';
export type { Facts, Read } from './model/facts.ts';
export type { Json, JsonObject } from './model/json.ts';
export type {
  AnyKind,
  EventSchemas,
  EventsOf,
  Kind,
  KindInput,
  MachineState,
  Measurement,
  Measurements,
  View,
} from './model/kind.ts';
export {
  alertEvents,
  homeEvents,
  intentEvents,
  memberEvents,
  statusEvents,
} from './model/kind-events.ts';
export { type LocalTime, localDate, localTime } from './model/local-time.ts';
export type { Aspect, Observation, Watch } from './model/observation.ts';
export type { Sender } from './model/senders.ts';
export type { Lateness } from './model/twin-state.ts';
export { sentBy } from './model/vocabulary.ts';
