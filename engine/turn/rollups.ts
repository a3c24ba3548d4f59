/**
 * History without a cost per event: samples gather in the twin's own row, in one open 5-minute
 * bucket per measurement. Only a bucket that closes becomes rows, in the commit of the turn that
 * closed it, so they are exact after a crash.
 */
import type { Address } from '../model/envelope.ts';
import type { Resolution, RollupRow } from '../model/rows.ts';
import type { Bucket } from '../model/twin-state.ts';

const MINUTE_MS = 60_000;
export const RESOLUTION_MS: Record<Resolution, number> = {
  '5m': 5 * MINUTE_MS,
  '1h': 60 * MINUTE_MS,
  '1d': 24 * 60 * MINUTE_MS,
};
const RESOLUTIONS: readonly Resolution[] = ['5m', '1h', '1d'];

/**
 * How large a sample may be, either way. Nothing physical comes near it, and what 2^53 of them add
 * up to is a finite double, wherever that is done: here, in folded telemetry, in the stores' SQL.
 */
export const MEASUREMENT_LIMIT = 1e290;

/** One value, or several that arrived as one event. */
export interface Sample {
  at: number;
  count: number;
  sum: number;
  min: number;
  max: number;
  last: number;
}

const NO_ROWS: readonly RollupRow[] = [];

/** Whether a number can be a sample. */
export function isMeasurable(value: number): boolean {
  return Math.abs(value) <= MEASUREMENT_LIMIT;
}

/**
 * Puts a sample where it belongs.
 * @returns the open bucket after it, and the rows that it made: the closed bucket's, or its own when
 *   it came too late for the open one
 */
export function addSample(
  address: Address,
  measurement: string,
  open: Bucket | undefined,
  sample: Sample,
): { open: Bucket; rows: readonly RollupRow[] } {
  const start = startOf(sample.at, '5m');
  if (!open || start > open.start) {
    return {
      open: { start, ...statsOf(sample) },
      rows: open ? increments(address, measurement, open) : [],
    };
  }
  if (start < open.start) {
    return { open, rows: increments(address, measurement, { start, ...statsOf(sample) }) };
  }
  return { open: added(open, sample), rows: NO_ROWS };
}

/** The way of nearly every sample, so without a copy in between. */
function added(open: Bucket, { at, count, sum, min, max, last }: Sample): Bucket {
  const isLatest = at >= open.lastAt;
  return {
    start: open.start,
    count: open.count + count,
    sum: open.sum + sum,
    min: Math.min(open.min, min),
    max: Math.max(open.max, max),
    last: isLatest ? last : open.last,
    lastAt: isLatest ? at : open.lastAt,
  };
}

/**
 * What a 5-minute bucket adds to the rows of all resolutions: nothing, if it is from before samples
 * had a limit and its sum is no number, as the store would refuse it for ever.
 */
export function increments(address: Address, measurement: string, bucket: Bucket): RollupRow[] {
  if (!Number.isFinite(bucket.sum)) return [];
  return RESOLUTIONS.map((resolution) => ({
    home: address.home,
    twin: address.twin,
    measurement,
    resolution,
    ...bucket,
    start: startOf(bucket.start, resolution),
  }));
}

/** Two increments of one row as one; `last` is the later's. */
export function mergeStats<T extends Omit<Bucket, 'start'>>(a: T, b: Omit<Bucket, 'start'>): T {
  const later = b.lastAt >= a.lastAt ? b : a;
  return {
    ...a,
    count: a.count + b.count,
    sum: a.sum + b.sum,
    min: Math.min(a.min, b.min),
    max: Math.max(a.max, b.max),
    last: later.last,
    lastAt: later.lastAt,
  };
}

/**
 * The mean of what a bucket holds: between its extremes, whatever sums and quotients were rounded to,
 * and in their middle where an old sum is no number.
 */
export function meanOf({ count, sum, min, max }: Omit<Bucket, 'start'>): number {
  if (!Number.isFinite(sum)) return min / 2 + max / 2;
  return Math.min(max, Math.max(min, sum / count));
}

export function startOf(at: number, resolution: Resolution): number {
  const width = RESOLUTION_MS[resolution];
  return Math.floor(at / width) * width;
}

function statsOf({ at, ...stats }: Sample): Omit<Bucket, 'start'> {
  return { ...stats, lastAt: at };
}
