/** Reads homes and their past, without any part in what is written. */
import { setImmediate as nextTick } from 'node:timers/promises';
import { restore } from '../kernel/kernel.ts';
import { type Address, keyOf } from '../model/envelope.ts';
import { EngineError } from '../model/errors.ts';
import type { AnyKind, View } from '../model/kind.ts';
import type { LoadedTwin, TwinRow } from '../model/rows.ts';
import type { Storage } from '../storage/port.ts';

/** The operations of the store that reading takes. Each begins with the home that it is about. */
export type ReadingStorage = Pick<
  Storage,
  'listTwins' | 'getTwin' | 'listJournal' | 'readJournal' | 'latestCheckpoint'
>;

/** What the engine is to those who only read; a thread beside the engine's has one of its own. */
export interface Reader {
  readonly kinds: ReadonlyMap<string, AnyKind>;
  readonly storage: ReadingStorage;
  readTwin(address: Address): Promise<TwinReading | null>;
  /** Applies the kind to a stored row. */
  view(row: TwinRow): View;
  /** See {@link pauseOf}. */
  readonly pause?: Pause;
}

/** Called after each turn that a long reading folds: now and then it lets others go on. */
export type Pause = () => Promise<void>;

/** Turns after which everyone else has the thread: a month of them takes seconds. */
const AT_A_STRETCH = 64;

/** Default: every 64th call gives the thread to everyone else, once. */
export function pauseOf({ pause }: Pick<Reader, 'pause'>): Pause {
  if (pause) return pause;
  let turns = 0;
  return async () => {
    if (++turns % AT_A_STRETCH === 0) await nextTick();
  };
}

export function readerOf(
  storage: ReadingStorage,
  kinds: ReadonlyMap<string, AnyKind>,
  pause?: Pause,
): Reader {
  const view = (row: TwinRow) => viewOf(kinds, row);
  return {
    kinds,
    storage,
    view,
    ...(pause && { pause }),
    async readTwin(address) {
      const row = await storage.getTwin(address);
      return row && { row, view: view(row) };
    },
  };
}

/** A twin as it is stored, and its kind. @throws EngineError `unknown-twin`, `unknown-kind` */
export async function withKind(
  { storage, kinds }: Pick<Reader, 'storage' | 'kinds'>,
  address: Address,
): Promise<{ stored: LoadedTwin; kind: AnyKind }> {
  const stored = await storage.getTwin(address);
  if (!stored) throw new EngineError('unknown-twin', `there is no twin ${keyOf(address)}`);
  const kind = kinds.get(stored.kind);
  if (kind) return { stored, kind };
  throw new EngineError('unknown-kind', `there is no kind "${stored.kind}"`, {
    hint: 'Start with the kind: KINDS_DIR names the folder of your own. The twin is stored as it was.',
  });
}

export function viewOf(kinds: ReadonlyMap<string, AnyKind>, row: TwinRow): View {
  const kind = kinds.get(row.kind);
  // A kind that this engine does not know still shows that the twin is there
  if (!kind) return { reported: {}, desired: {}, settings: {} };
  return kind.view(restore(kind, row.state).context);
}

/** A twin with its kind applied: what people may see of it. */
export interface TwinReading {
  row: TwinRow;
  view: View;
}
