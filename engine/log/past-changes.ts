/** What a home's streams would have been told after a position, worked out from the log. */

import { keyOf } from '../model/envelope.ts';
import { EngineError } from '../model/errors.ts';
import type { AnyKind } from '../model/kind.ts';
import type { IntentWrite, LoadedTwin, LogRow } from '../model/rows.ts';
import { NOT_YET, type Send, sendOfRow } from '../outbox/sends.ts';
import type { Storage } from '../storage/port.ts';
import type { LiveTwin } from '../turn/live-twin.ts';
import type { Destinations, Turned } from '../turn/turned.ts';
import type { GapReason, PlacedChange } from './change.ts';
import {
  type ChangePosition,
  comparePositions,
  isOfTurn,
  samePosition,
} from './change-position.ts';
import { changesOf } from './changes-of.ts';
import { twinBefore } from './past.ts';
import { pauseOf } from './reader.ts';
import { differencesBetween, foldTurn } from './replay.ts';

export interface PastChangesSource {
  storage: Pick<
    Storage,
    'readHomeLog' | 'load' | 'latestCheckpoint' | 'readJournal' | 'getEndedIntent'
  >;
  kinds: ReadonlyMap<string, AnyKind>;
  /** Finds the command of an open intent. */
  sendOf: (id: string) => Send;
}

/** Positions that are looked through, whoever's they are. */
const MAX_POSITIONS = 200_000;
/** Turns that are told. */
const MAX_TURNS = 2_000;
/** The most turns that are read, with those that lead from a checkpoint to the first of them. */
const MAX_FOLDED = 10_000;
/** Nothing is delivered again. */
const NOWHERE: Destinations = {};

/**
 * Everything that was told of turns after a position, oldest first, up to at least what was committed before the call;
 * or why that cannot be said. The work is bounded. When and how often a command was sent is told as it is known now.
 * @param upTo the last position that was taken
 */
export async function readPastChanges(
  source: PastChangesSource,
  home: string,
  after: ChangePosition,
  upTo: number,
): Promise<PlacedChange[] | GapReason> {
  if (!isOfTurn(after)) return 'too-old';
  if (after.seq > upTo) return 'unknown';
  if (upTo - after.seq > MAX_POSITIONS) return 'too-old';
  const limit = MAX_TURNS + 1;
  const { rows, removedAt } = await source.storage.readHomeLog(home, after.seq, upTo, limit);
  if (removedAt > 0 && removedAt >= after.seq) return 'twin-removed';
  const [first] = rows;
  if (first?.seq !== after.seq || first.epoch !== after.epoch) return 'unknown';
  if (rows.length === limit) return 'too-old';
  const turns = await foldAll(source, rows);
  if (typeof turns === 'string') return turns;
  const sendOf = await sendsOf(
    source,
    turns.flatMap(({ intents }) => intents),
  );
  const changes = turns.flatMap((turned, at) => changesOf(turned, rows[at] as LogRow, sendOf));
  const from = { ...after, aside: 0 };
  if (!changes.some(({ position }) => samePosition(position, from))) return 'unknown';
  return changes.filter(({ position }) => comparePositions(position, from) > 0);
}

/** Folds each of these rows, in their order. */
async function foldAll(
  { storage, kinds }: PastChangesSource,
  rows: readonly LogRow[],
): Promise<Turned[] | GapReason> {
  const pause = pauseOf({});
  const firsts = new Map<string, LogRow>();
  for (const row of rows) if (!firsts.has(keyOf(row))) firsts.set(keyOf(row), row);
  const loaded = await storage.load([...firsts.values()].map(({ home, twin }) => ({ home, twin })));
  const stored = new Map(loaded.map((twin) => [keyOf(twin), twin]));
  const budget = { turns: MAX_FOLDED - rows.length };
  const twins = new Map<string, LiveTwin | null>();
  try {
    for (const [key, row] of firsts) {
      const twin = stored.get(key);
      // It was removed since the rows were read
      if (!twin) return 'twin-removed';
      const kind = kinds.get(twin.kind);
      if (kind?.version !== twin.version) return 'kind-changed';
      const before = await twinBefore(storage, kind, twin, row.revision, { pause, budget });
      if (before === 'kind-changed') return before;
      if (typeof before === 'string') return 'too-old';
      twins.set(key, before);
    }
    const turns: Turned[] = [];
    for (const row of rows) {
      const key = keyOf(row);
      const { incarnation, kind } = stored.get(key) as LoadedTwin;
      const before = twins.get(key) ?? null;
      if (row.revision !== (before ? before.revision + 1 : 0)) return 'too-old';
      const turned = foldTurn(kinds.get(kind) as AnyKind, incarnation, before, row, NOWHERE);
      twins.set(key, turned.twin);
      turns.push(turned);
      await pause();
    }
    for (const [key, twin] of twins) {
      const now = stored.get(key);
      if (!twin || now?.revision !== twin.revision) continue;
      if (differencesBetween(now.state, twin.state).length > 0) return 'kind-changed';
    }
    return turns;
  } catch (error) {
    if (!(error instanceof EngineError) || error.retryable) throw error;
    // It was a turn once, and is none for the kind as it is now
    return 'kind-changed';
  }
}

/** How each of these intents was sent: an ended one says it itself. */
async function sendsOf(
  { storage, sendOf }: PastChangesSource,
  intents: readonly IntentWrite[],
): Promise<(intent: IntentWrite) => Send> {
  const ended = new Map<string, Send>();
  for (const { home, id, status } of intents) {
    if (status === 'pending' || ended.has(id)) continue;
    const row = await storage.getEndedIntent(home, id);
    if (row) ended.set(id, sendOfRow(row));
  }
  return ({ id, status }) => (status === 'pending' ? NOT_YET : (ended.get(id) ?? sendOf(id)));
}
