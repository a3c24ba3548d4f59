/** Fewer points that show the same curve. Both give the indices that stay, in their order. */

export interface Columns {
  /** Epoch ms, ascending. */
  at: number[];
  values: number[];
}

export const REDUCTIONS = ['lttb', 'min-max'] as const;
export type Reduction = (typeof REDUCTIONS)[number];

/** Points that either way needs at least: the first, the last, and a pair between them. */
export const FEWEST_POINTS = 4;

/** @param most at least {@link FEWEST_POINTS} */
export function thinned({ at, values }: Columns, most: number, by: Reduction): Columns {
  const kept =
    by === 'lttb' ? largestTriangles({ at, values }, most) : extremes({ at, values }, most);
  return {
    at: kept.map((index) => at[index] as number),
    values: kept.map((index) => values[index] as number),
  };
}

/**
 * Largest triangle three buckets (S. Steinarsson, Downsampling Time Series for Visual Representation, 2013): of each
 * bucket the point that spans the largest triangle with the one that was kept before and the mean of the next bucket.
 */
function largestTriangles({ at, values }: Columns, most: number): number[] {
  const last = at.length - 1;
  const width = (last - 1) / (most - 2);
  const startOf = (bucket: number): number => Math.min(Math.floor(bucket * width) + 1, last);
  const kept = [0];
  let previous = 0;
  for (let bucket = 0; bucket < most - 2; bucket++) {
    const [start, end] = [startOf(bucket), startOf(bucket + 1)];
    const next = meanOf({ at, values }, end, Math.max(startOf(bucket + 2), end + 1));
    const [x, y] = [at[previous] as number, values[previous] as number];
    let chosen = start;
    let largest = -1;
    for (let index = start; index < end; index++) {
      const [ax, ay] = [at[index] as number, values[index] as number];
      const area = Math.abs((x - next.x) * (ay - y) - (x - ax) * (next.y - y));
      if (area > largest) [chosen, largest] = [index, area];
    }
    kept.push(chosen);
    previous = chosen;
  }
  kept.push(last);
  return kept;
}

function meanOf({ at, values }: Columns, from: number, to: number): { x: number; y: number } {
  let [x, y] = [0, 0];
  for (let index = from; index < to; index++) {
    x += (at[index] as number) / (to - from);
    y += (values[index] as number) / (to - from);
  }
  return { x, y };
}

/** The first and the last point, and the lowest and the highest of stretches of equal length between them. */
function extremes({ at, values }: Columns, most: number): number[] {
  const last = at.length - 1;
  const stretches = Math.floor((most - 2) / 2);
  const first = at[0] as number;
  const width = ((at[last] as number) - first) / stretches;
  const stretchOf = (index: number): number =>
    width === 0 ? 0 : Math.min(stretches - 1, Math.floor(((at[index] as number) - first) / width));
  const kept = [0];
  for (let start = 1; start < last; ) {
    const stretch = stretchOf(start);
    let [lowest, highest, index] = [start, start, start];
    for (; index < last && stretchOf(index) === stretch; index++) {
      if ((values[index] as number) < (values[lowest] as number)) lowest = index;
      if ((values[index] as number) > (values[highest] as number)) highest = index;
    }
    kept.push(Math.min(lowest, highest));
    if (lowest !== highest) kept.push(Math.max(lowest, highest));
    start = index;
  }
  kept.push(last);
  return kept;
}
