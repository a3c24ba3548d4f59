import { setImmediate as nextTick } from 'node:timers/promises';
import { own } from '../model/own.ts';
import type { Resolution } from '../model/rows.ts';
import type { Bucket } from '../model/twin-state.ts';
import type { HistoryQuery, SampleKey, Storage } from '../storage/port.ts';
import { meanOf, mergeStats, RESOLUTION_MS, startOf } from '../turn/rollups.ts';

/** A point of history; times in epoch ms. `raw` has one value, the others say what a bucket held. */
export type HistoryPoint =
  | { at: number; value: number }
  | { at: number; min: number; max: number; mean: number; last: number; count: number };

export type HistoryResolution = 'raw' | Resolution;

type HistoryStorage = Pick<Storage, 'listSamples' | 'listRollups' | 'getTwin'>;

export interface History {
  /** Oldest first. */
  points: HistoryPoint[];
  /** Whether there may be more in the span. */
  truncated: boolean;
  /** How much was looked at: turns, or buckets. */
  looked: number;
}

/** Points that one answer holds. */
const MAX_POINTS = 20_000;
/** Turns that are looked at in one go, and for one answer: most may tell of something else. */
const STRETCH = 2_000;
const MAX_LOOKED_AT = 50 * STRETCH;

/** The finest resolution that shows the span in a reasonable number of points. */
export function fittingResolution(from: number, to: number): HistoryResolution {
  const span = to - from;
  if (span <= 6 * RESOLUTION_MS['1h']) return 'raw';
  if (span <= 8 * RESOLUTION_MS['1d']) return '5m';
  return span <= 400 * RESOLUTION_MS['1d'] ? '1h' : '1d';
}

/** History of one measurement: what is stored, and what the twin's open bucket holds. */
export async function readHistory(
  storage: HistoryStorage,
  query: HistoryQuery,
  resolution: HistoryResolution,
): Promise<History> {
  if (resolution === 'raw') return await readSamples(storage, query);
  const span = { ...query, from: startOf(query.from, resolution) };
  const buckets = await storage.listRollups(span, resolution, MAX_POINTS);
  const truncated = buckets.length >= MAX_POINTS;
  const twin = await storage.getTwin(query);
  const open = twin ? own(twin.state.buckets, query.measurement) : undefined;
  if (open) mergeOpen(buckets, query, resolution, open);
  const points = buckets.map((bucket) => {
    const { start, min, max, last, count } = bucket;
    return { at: start, min, max, mean: meanOf(bucket), last, count };
  });
  return { points, truncated, looked: points.length };
}

/** SQLite has one connection, and commits need it: they have their turn after each stretch. */
async function readSamples(storage: HistoryStorage, query: HistoryQuery): Promise<History> {
  const points: HistoryPoint[] = [];
  let looked = 0;
  for (let from: SampleKey | null = null; ; ) {
    const stretch = await storage.listSamples(query, from, STRETCH);
    points.push(...stretch.samples);
    from = stretch.next;
    looked += from === null ? stretch.samples.length : STRETCH;
    const isFull = points.length >= MAX_POINTS || looked >= MAX_LOOKED_AT;
    if (from === null || isFull) {
      const truncated = from !== null || points.length > MAX_POINTS;
      return { points: points.slice(0, MAX_POINTS), truncated, looked };
    }
    await nextTick();
  }
}

function mergeOpen(
  buckets: Bucket[],
  { from, to }: HistoryQuery,
  resolution: Resolution,
  open: Bucket,
): void {
  // From before samples had a limit: what cannot be stored is not shown either
  if (!Number.isFinite(open.sum)) return;
  const start = startOf(open.start, resolution);
  if (start < startOf(from, resolution) || start >= to) return;
  const index = buckets.findLastIndex((bucket) => bucket.start <= start);
  const stored = buckets[index];
  if (stored?.start === start) buckets[index] = mergeStats(stored, open);
  else buckets.splice(index + 1, 0, { ...open, start });
}
