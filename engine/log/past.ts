/** What a twin has been through: its turns folded again, with the twin before and after each. */

import { type Address, keyOf } from '../model/envelope.ts';
import { EngineError } from '../model/errors.ts';
import type { AnyKind } from '../model/kind.ts';
import type { JournalRow, LoadedTwin, TwinRow } from '../model/rows.ts';
import { type LiveTwin, revive } from '../turn/live-twin.ts';
import type { Destinations, Turned } from '../turn/turned.ts';
import { type Pause, pauseOf, type Reader, type ReadingStorage, withKind } from './reader.ts';
import { foldTurn } from './replay.ts';

export interface PastTurn {
  /** Null: with this turn the twin came into being. */
  before: LiveTwin | null;
  row: JournalRow;
  /** What the turn came to, as when it happened; nothing is delivered again. */
  turned: Turned;
}

const PAGE = 200;
/** Effects are told as they were, and go nowhere. */
const NOWHERE: Destinations = {};

/**
 * The turns of a twin whose own time lies in the span (epoch ms, `to` exclusive), oldest first.
 * @throws EngineError `unknown-twin`, `unknown-kind`; `state-unreadable` where the journal or its checkpoints
 *   do not reach back so far
 */
export async function* pastOf(
  reader: Pick<Reader, 'storage' | 'kinds' | 'pause'>,
  address: Address,
  span: { from: number; to: number },
): AsyncGenerator<PastTurn> {
  const { storage } = reader;
  const pause = pauseOf(reader);
  const { stored, kind } = await withKind(reader, address);
  const first = await firstSince(storage, stored, span.from);
  if (first === null) return;
  let before = await twinBefore(storage, kind, stored, first, { pause });
  if (before === 'kind-changed') {
    before = await twinBefore(storage, kind, stored, first, { pause, fromBirth: true });
  }
  if (typeof before === 'string') throw notKept(address, first);
  let twin = before;
  let next = first;
  for (;;) {
    const rows = await storage.readJournal(address, next, PAGE);
    for (const row of rows) {
      if (row.receivedAt >= span.to || row.revision > stored.revision) return;
      if (row.revision !== next) throw notKept(address, next);
      const turned = foldTurn(kind, stored.incarnation, twin, row, NOWHERE);
      yield { before: twin, row, turned };
      twin = turned.twin;
      next++;
      await pause();
    }
    if (rows.length < PAGE) return;
  }
}

/** The first revision whose turn was at or after a moment; null: there is none. */
export async function firstSince(
  storage: Pick<ReadingStorage, 'readJournal'>,
  twin: TwinRow,
  at: number,
): Promise<number | null> {
  let low = 0;
  let high = twin.revision + 1;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const [row] = await storage.readJournal(twin, middle, 1);
    if (row && row.receivedAt < at) low = row.revision + 1;
    else high = middle;
  }
  const [row] = await storage.readJournal(twin, low, 1);
  return row?.revision ?? null;
}

export interface FoldOptions {
  pause: Pause;
  /** Begins at the first turn, not at a checkpoint. */
  fromBirth?: boolean;
  /** Turns that may be folded; those that were are taken off. Default: any number. */
  budget?: { turns: number };
}

/**
 * The twin as it was before a revision; null: it did not exist.
 * @returns why it cannot be said: the nearest checkpoint is of another version of the kind, the journal does not reach
 *   back so far, or more turns than the budget has would have to be folded
 */
export async function twinBefore(
  storage: Pick<ReadingStorage, 'latestCheckpoint' | 'readJournal'>,
  kind: AnyKind,
  stored: LoadedTwin,
  revision: number,
  { pause, fromBirth = false, budget }: FoldOptions,
): Promise<LiveTwin | null | 'kind-changed' | 'not-kept' | 'over-budget'> {
  if (revision === 0) return null;
  const checkpoint = fromBirth ? null : await storage.latestCheckpoint(stored, revision - 1);
  if (checkpoint && checkpoint.version !== kind.version) return 'kind-changed';
  let twin: LiveTwin | null = null;
  if (checkpoint) {
    const { state, version } = checkpoint;
    twin = revive(kind, { ...stored, revision: checkpoint.revision, version, state }, 0);
  }
  for (let next = twin ? twin.revision + 1 : 0; next < revision; ) {
    if (budget && budget.turns < revision - next) return 'over-budget';
    const rows = await storage.readJournal(stored, next, Math.min(PAGE, revision - next));
    if (rows.length === 0) return 'not-kept';
    for (const row of rows) {
      if (row.revision !== next) return 'not-kept';
      twin = foldTurn(kind, stored.incarnation, twin, row, NOWHERE).twin;
      if (budget) budget.turns--;
      next++;
      await pause();
    }
  }
  return twin;
}

function notKept(address: Address, revision: number): EngineError {
  return new EngineError(
    'state-unreadable',
    `${keyOf(address)}@${revision} cannot be folded: turns are missing from the journal`,
    { hint: 'They are older than the journal is kept; ask about a later time.' },
  );
}
