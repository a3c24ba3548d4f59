/** The door for tests of kinds: `homeostat/testing`. */
export type { Turned, TurnResult } from '../draft.ts';
export type { RecordedEffect } from '../effect.ts';
export type { AlertRow, Delivery, IntentWrite, JournalRow } from '../rows.ts';
export type { Dice } from './dice.ts';
export type { EventMakers, Happening, Life } from './life.ts';
export { type ProofOptions, proveKind } from './prove-kind.ts';
export { TwinBench } from './twin-bench.ts';
