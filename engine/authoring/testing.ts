/** The door for tests of kinds: `homeostat/testing`. */

export type { RecordedEffect } from '../model/effect.ts';
export type { AlertRow, Delivery, IntentWrite, JournalRow } from '../model/rows.ts';
export type { Turned, TurnResult } from '../turn/turned.ts';
export type { Dice } from './dice.ts';
export type { EventMakers, Happening, Life } from './life.ts';
export { type ProofOptions, proveKind } from './prove-kind.ts';
export { TwinBench } from './twin-bench.ts';
