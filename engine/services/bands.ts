/**
 * The history of what is not a number: a twin's states, and what it reports beside numbers, as bands of time in which
 * a value was in force. Read from the turns that changed one of them, which the journal marks, beginning at a
 * checkpoint before the span: nothing is folded (ADR 28).
 */
import { setImmediate as nextTick } from 'node:timers/promises';
import { restore } from '../kernel/kernel.ts';
import type { Reader } from '../log/reader.ts';
import { FUTURE_TOLERANCE_MS } from '../model/envelope.ts';
import { type Json, type JsonObject, sameJson } from '../model/json.ts';
import { labelOf } from '../model/labels.ts';
import { own } from '../model/own.ts';
import type { CheckpointRow, LoadedTwin } from '../model/rows.ts';
import type { ChangeRow, Storage } from '../storage/port.ts';

/** A value and when it was in force; `from` inclusive, `to` exclusive, epoch ms. */
export interface Band {
  value: Json;
  from: number;
  to: number;
}

export interface Bands {
  /** Oldest first. Where there is none, the value is not known. */
  bands: Band[];
  /** Up to where they go: the end of the span, or less if they were too many. */
  to: number;
  truncated: boolean;
}

/** `from` inclusive, `to` exclusive, epoch ms. */
export interface Span {
  from: number;
  to: number;
}

/** What the bands are of: a state below a path of states, or a reported value. */
export type BandPath = { of: 'state'; states: readonly string[] } | { of: 'reported'; key: string };

type BandStorage = Pick<
  Storage,
  'checkpointBefore' | 'readChanges' | 'readJournal' | 'labelsSince'
>;

/** Bands that one answer holds. */
export const MAX_BANDS = 5_000;
/** Turns that are looked at for one answer, of those that changed something. */
const MAX_CHANGES = 20_000;
const PAGE = 1_000;
/** A change that came in later than this after it happened counts from when it came in. */
const LATEST_MS = 24 * 60 * 60_000;

/** @returns null for a text that is no path: `state`, `state.link`, `reported.on` are some */
export function parseBandPath(text: string): BandPath | null {
  const [of, ...below] = text.split('.');
  if (of === 'state' && !below.includes('')) return { of, states: below };
  const key = below.join('.');
  return of === 'reported' && key !== '' ? { of, key } : null;
}

/**
 * Reads the bands of a span that does not end in the future.
 * @param most bands that the answer may hold
 */
export async function readBands(
  { storage, kinds }: { storage: BandStorage; kinds: Reader['kinds'] },
  twin: LoadedTwin,
  { path, from, to }: Span & { path: BandPath },
  most = MAX_BANDS,
): Promise<Bands> {
  const checkpoint = await storage.checkpointBefore(twin, from - FUTURE_TOLERANCE_MS);
  const line = new BandLine(from);
  if (checkpoint) {
    const value = await valueAt({ storage, kinds }, twin, path, checkpoint);
    if (value !== undefined) line.tell(value, from);
  }
  let looked = 0;
  let next = checkpoint ? checkpoint.revision + 1 : 0;
  for (;;) {
    const rows = await storage.readChanges(twin, next, PAGE);
    for (const row of rows) {
      const told = toldBy(row, path);
      const at = Math.max(momentOf(row), line.at);
      if (told !== undefined) {
        if (at >= to) return line.end(to, false);
        line.tell(told, at);
      }
      if (line.bands.length >= most || ++looked >= MAX_CHANGES) {
        return line.end(Math.min(at, to), true);
      }
    }
    const last = rows.at(-1);
    if (!last || rows.length < PAGE || last.receivedAt >= to + LATEST_MS)
      return line.end(to, false);
    next = last.revision + 1;
    await nextTick();
  }
}

/** Bands in the making, oldest first. */
class BandLine {
  readonly bands: Band[] = [];
  /** Nothing that is told later was before this moment. */
  at: number;
  #value: Json | undefined;
  #since: number;

  constructor(from: number) {
    this.at = from;
    this.#since = from;
  }

  tell(value: Json, at: number): void {
    this.at = at;
    if (this.#value !== undefined && sameJson(value, this.#value)) return;
    this.#close(at);
    this.#value = value;
  }

  end(to: number, truncated: boolean): Bands {
    this.#close(to);
    return { bands: this.bands, to, truncated };
  }

  #close(at: number): void {
    if (this.#value !== undefined && at > this.#since) {
      this.bands.push({ value: this.#value, from: this.#since, to: at });
    }
    this.#since = at;
  }
}

function momentOf({ at, receivedAt }: ChangeRow): number {
  return receivedAt - at > LATEST_MS ? receivedAt : at;
}

/** What a turn says of a path; undefined: nothing. */
function toldBy({ revision, state, reported }: ChangeRow, path: BandPath): Json | undefined {
  if (path.of === 'state') return state === null ? undefined : stateBelow(state, path.states);
  // Before its first turn a twin has reported nothing
  const told = own(reported ?? {}, path.key);
  // A null that was told is an end
  return told === undefined && revision === 0 ? null : told;
}

/** What a checkpoint says of a path; undefined: nothing that can be trusted. */
async function valueAt(
  { storage, kinds }: { storage: BandStorage; kinds: Reader['kinds'] },
  twin: LoadedTwin,
  path: BandPath,
  { revision, version, state, at }: CheckpointRow,
): Promise<Json | undefined> {
  const [first] = await storage.readJournal(twin, revision + 1, 1);
  // What came between it and the journal that is kept is gone
  if (first && first.revision !== revision + 1) return undefined;
  if (path.of === 'state') return stateBelow(state.value as Json, path.states);
  const kind = kinds.get(twin.kind);
  if (!kind || kind.version !== version || at < (await storage.labelsSince())) return undefined;
  return labelOf(own(kind.view(restore(kind, state).context).reported, path.key));
}

/** The active state below a path; true for one that has none in it, null for one that is not active. */
function stateBelow(value: Json, states: readonly string[]): Json {
  const [name, ...below] = states;
  if (name === undefined) return value;
  if (value === name && below.length === 0) return true;
  if (typeof value !== 'object' || value === null) return null;
  return stateBelow(own(value as JsonObject, name) ?? null, below);
}
