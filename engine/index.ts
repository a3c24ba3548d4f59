/** The engine's door: everything that adapters and the API may import of it. */

export type { HomeQuotas, Usage } from './batch/quotas.ts';
export { createEngine } from './create-engine.ts';
export { isKindName } from './kernel/kind-check.ts';
export type { AnyKind, Measurements, View } from './kind.ts';
export type { Change, GapReason, HomeChange, Subscription } from './log/change.ts';
export { GAP_REASONS } from './log/change.ts';
export { ChangeFeed } from './log/change-feed.ts';
export {
  type ChangePosition,
  parsePosition,
  positionText,
  samePosition,
} from './log/change-position.ts';
export { type PastTurn, pastOf } from './log/past.ts';
export type { Projection } from './log/projections/projection.ts';
export { alreadyBuilding, unknownProjection } from './log/projections/projections.ts';
export { type ProjectionStatus, statusesOf } from './log/projections/status.ts';
export type { TwinReading } from './log/reader.ts';
export { type Pause, pauseOf, type Reader, type ReadingStorage, readerOf } from './log/reader.ts';
export { type ReplayReport, replay } from './log/replay.ts';
export { type Clock, systemClock } from './model/clock.ts';
export { assertDeviceKind } from './model/device-kinds.ts';
export type { AnyEffect } from './model/effect.ts';
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
} from './model/envelope.ts';
export { EngineError, type ErrorCode, messageOf, type QuotaBreach } from './model/errors.ts';
export type { Json, JsonObject } from './model/json.ts';
export type { Overruling } from './model/lease.ts';
export { assertTimezone } from './model/local-time.ts';
export { ManualClock } from './model/manual-clock.ts';
export { Pace } from './model/pace.ts';
export { parseSafely } from './model/parse-safely.ts';
export { assertAccepted } from './model/receipt.ts';
export type * from './model/rows.ts';
export type { Door, Sender } from './model/senders.ts';
export { SENDERS } from './model/senders.ts';
export { type EngineSignals, EngineTelemetry } from './model/telemetry.ts';
export { heardError, type ToldError, tellError } from './model/told-error.ts';
export { lifeOf, turnOfId } from './model/turn-ids.ts';
export { objectionTo, sendersOf } from './model/vocabulary.ts';
export type { Behind, DeliveryOutcome, Sink } from './outbox/sink.ts';
export { readDeliveries } from './outbox/stored-deliveries.ts';
export { programFile } from './program-file.ts';
export {
  type BandPath,
  type Bands,
  MAX_BANDS,
  parseBandPath,
  type Span,
} from './services/bands.ts';
export type { BuriedPacket } from './services/dead-letter-service.ts';
export type { Engine, EngineStats, Health, StoreStats } from './services/engine.ts';
export type { Deletes, EngineOptions, Limits, RetentionDays } from './services/engine-options.ts';
export {
  fittingResolution,
  type HistoryPoint,
  type HistoryResolution,
} from './services/history.ts';
export { type CommandFilter, intentService } from './services/intent-service.ts';
export {
  assertAddress,
  assertHomeName,
  homesOf,
  mustReadDevice,
  mustReadHome,
  mustReadTwin,
  readingOf,
  twinsOf,
  unknownHome,
} from './services/lookups.ts';
export { type Requester, unconditional } from './services/requester.ts';
export { tellTwin } from './services/tell-twin.ts';
export type { NewTwin } from './services/twin-service.ts';
export { readMigrations } from './storage/migrations.ts';
export { openStorage, sqlitePathOf } from './storage/open.ts';
export type {
  AlertFilter,
  HistoryQuery,
  IntentFilter,
  Page,
  PageRequest,
  Retention,
  StartRow,
  Storage,
  TwinFilter,
} from './storage/port.ts';
export { atomically } from './tables/atomically.ts';
export type { MakeError } from './tables/failures.ts';
export { openTables } from './tables/open.ts';
export { observationOf } from './turn/aspect.ts';
export { SoloTwin } from './turn/solo-twin.ts';
export { isWithinLevels } from './turn/state-size.ts';
