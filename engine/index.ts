/** The engine's door: everything that adapters and the API may import of it. */
export { type BandPath, type Bands, MOST_BANDS, parseBandPath, type Span } from './bands.ts';
export {
  type Change,
  ChangeFeed,
  GAP_REASONS,
  type GapReason,
  type HomeChange,
  type Subscription,
} from './changes.ts';
export { type Clock, systemClock } from './clock.ts';
export { detailsOf } from './core.ts';
export { createEngine } from './create-engine.ts';
export type { BuriedPacket } from './dead-letter-verbs.ts';
export { assertDeviceKind } from './device-kinds.ts';
export type { AnyEffect } from './effect.ts';
export type {
  Deletes,
  Engine,
  EngineOptions,
  EngineStats,
  Health,
  Limits,
  RetentionDays,
  StoreStats,
} from './engine.ts';
export {
  type Address,
  type Envelope,
  type EventData,
  type IfUnknown,
  type Inbound,
  isName,
  keyOf,
  type Receipt,
  saneTime,
  type Told,
} from './envelope.ts';
export { EngineError, type ErrorCode, messageOf, type QuotaBreach } from './errors.ts';
export { fittingResolution, type HistoryPoint, type HistoryResolution } from './history.ts';
export { type CommandFilter, intentVerbs } from './intent-verbs.ts';
export type { Json, JsonObject } from './json.ts';
export type { AnyKind, Measurements, View } from './kind.ts';
export { isKindName } from './kind-check.ts';
export type { Overruling } from './leases.ts';
export { assertTimezone } from './local-time.ts';
export {
  type ChangePosition,
  parsePosition,
  positionText,
  samePosition,
} from './log/change-position.ts';
export { readDeliveries } from './log/source.ts';
export { ManualClock } from './manual-clock.ts';
export { parseSafely } from './parse-safely.ts';
export { type PastTurn, pastOf } from './past.ts';
export type { Projection } from './projections/projection.ts';
export {
  alreadyBuilding,
  type ProjectionStatus,
  statusesOf,
  unknownProjection,
} from './projections/projections.ts';
export type { HomeQuotas, Usage } from './quotas.ts';
export { type Pause, pauseOf, type Reader, type ReadingStorage, readerOf } from './reader.ts';
export { type ReplayReport, replay } from './replay.ts';
export type { Requester } from './requester.ts';
export type * from './rows.ts';
export type { DeliveryOutcome, Sink } from './sink.ts';
export { SoloTwin } from './solo-twin.ts';
export { isWithinLevels } from './state-size.ts';
export { readMigrations } from './storage/migrations.ts';
export { openStorage } from './storage/open.ts';
export type {
  AlertFilter,
  HistoryQuery,
  IntentFilter,
  Page,
  PageRequest,
  Retention,
  Storage,
  TwinFilter,
} from './storage/port.ts';
export { type EngineSignals, EngineTelemetry } from './telemetry.ts';
export { heardError, type ToldError, tellError } from './told-error.ts';
export { lifeOf, turnOfId } from './turn-ids.ts';
export type { NewTwin, TwinReading } from './twin-verbs.ts';
export { type Door, objectionTo, SENDERS, type Sender, sendersOf } from './vocabulary.ts';
export { observationOf } from './watching.ts';
