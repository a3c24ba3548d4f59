import { own } from './own.ts';
import { increments, meanOf, mergeStats, RESOLUTION_MS, startOf } from './rollups.ts';
import type { Resolution, RollupRow } from './rows.ts';
import type { HistoryQuery, Storage } from './storage/port.ts';
import type { Bucket } from './twin-state.ts';

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
  const rows = await storage.listRollups(span, resolution, MOST_POINTS);
  const twin = await storage.getTwin(query);
  const open = twin ? own(twin.state.buckets, query.measurement) : undefined;
  if (open) mergeOpen(rows, query, resolution, open);
  return rows.map((row) => {
    const { start, min, max, last, count } = row;
    return { at: start, min, max, mean: meanOf(row), last, count };
  });
}

function mergeOpen(
  rows: RollupRow[],
  query: HistoryQuery,
  resolution: Resolution,
  open: Bucket,
): void {
  const row = increments(query, query.measurement, open).find((r) => r.resolution === resolution);
  if (!row || row.start < startOf(query.from, resolution) || row.start >= query.to) return;
  const index = rows.findIndex(({ start }) => start === row.start);
  const stored = rows[index];
  if (stored) rows[index] = mergeStats(stored, row);
  else {
    rows.push(row);
    rows.sort((a, b) => a.start - b.start);
  }
}
