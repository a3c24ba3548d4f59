/** What a twin has been through: its turns folded again, with the twin before and after each. */
import type { Destinations, Turned } from './draft.ts';
import { type Address, keyOf } from './envelope.ts';
import { EngineError } from './errors.ts';
import type { AnyKind } from './kind.ts';
import { type LiveTwin, revive } from './live-twin.ts';
import { pauseOf, type Reader, type ReadingStorage } from './reader.ts';
import { foldTurn } from './replay.ts';
import type { JournalRow, LoadedTwin, TwinRow } from './rows.ts';

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
  const { storage, kinds } = reader;
  const pause = pauseOf(reader);
  const stored = await storage.getTwin(address);
  if (!stored) throw new EngineError('unknown-twin', `there is no twin ${keyOf(address)}`);
  const kind = kinds.get(stored.kind);
  if (!kind) {
    throw new EngineError('unknown-kind', `there is no kind "${stored.kind}"`, {
      hint: 'Start with the kind: KINDS_DIR names the folder of your own. The twin is stored as it was.',
    });
  }
  const first = await firstSince(storage, stored, span.from);
  if (first === null) return;
  let twin = await twinBefore(storage, kind, stored, first);
  let next = twin ? twin.revision + 1 : 0;
  for (;;) {
    const rows = await storage.readJournal(address, next, PAGE);
    for (const row of rows) {
      if (row.receivedAt >= span.to || row.revision > stored.revision) return;
      if (row.revision !== next) {
        throw new EngineError(
          'state-unreadable',
          `${keyOf(address)}@${next} is not in the journal`,
          {
            hint: 'It is older than the journal is kept; ask about a later time.',
          },
        );
      }
      const turned = foldTurn(kind, stored.incarnation, twin, row, NOWHERE);
      if (row.revision >= first) yield { before: twin, row, turned };
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

/** The twin as it was before a revision; null: it did not exist. */
async function twinBefore(
  storage: ReadingStorage,
  kind: AnyKind,
  stored: LoadedTwin,
  revision: number,
): Promise<LiveTwin | null> {
  const checkpoint = await storage.latestCheckpoint(stored, revision - 1);
  if (!checkpoint || checkpoint.version !== kind.version) return null;
  const { state, version } = checkpoint;
  return revive(kind, { ...stored, revision: checkpoint.revision, version, state }, 0);
}
