import { own } from '../model/own.ts';
import type { Resolution } from '../model/rows.ts';
import type { Bucket } from '../model/twin-state.ts';
import type { HistoryQuery, Storage } from '../storage/port.ts';
import { meanOf, mergeStats, RESOLUTION_MS, startOf } from '../turn/rollups.ts';

/** A point of history; times in epoch ms. `raw` has one value, the others say what a bucket held. */
export type HistoryPoint =
  | { at: number; value: number }
  | { at: number; min: number; max: number; mean: number; last: number; count: number };

export type HistoryResolution = 'raw' | Resolution;

const MOST_POINTS = 20_000;

/** The finest resolution that shows the span in a reasonable number of points. */
export function fittingResolution(from: number, to: number): HistoryResolution {
  const span = to - from;
  if (span <= 6 * RESOLUTION_MS['1h']) return 'raw';
  if (span <= 8 * RESOLUTION_MS['1d']) return '5m';
  return span <= 400 * RESOLUTION_MS['1d'] ? '1h' : '1d';
}

/** History of one measurement, oldest first: what is stored, and what the twin's open bucket holds. */
export async function readHistory(
  storage: Storage,
  query: HistoryQuery,
  resolution: HistoryResolution,
): Promise<HistoryPoint[]> {
  if (resolution === 'raw') return storage.listSamples(query, MOST_POINTS);
  const span = { ...query, from: startOf(query.from, resolution) };
  const buckets = await storage.listRollups(span, resolution, MOST_POINTS);
  const twin = await storage.getTwin(query);
  const open = twin ? own(twin.state.buckets, query.measurement) : undefined;
  if (open) mergeOpen(buckets, query, resolution, open);
  return buckets.map((bucket) => {
    const { start, min, max, last, count } = bucket;
    return { at: start, min, max, mean: meanOf(bucket), last, count };
  });
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
