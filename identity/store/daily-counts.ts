import type { Writing } from './atomically.ts';

/** Counts against a limit of so many a day, all together, for each bucket. */
export interface DailyLimit {
  bucket: string;
  most: number;
}

const DAY_MS = 24 * 60 * 60_000;

/**
 * Counts one in each bucket, in the store, so that many at once and a restart count, too. Days are those of UTC:
 * twice as many may come around midnight.
 * @returns the first limit that is full; then the transaction must be given up. Null: it may
 */
export async function countDaily(
  writing: Writing,
  limits: readonly DailyLimit[],
  now: number,
): Promise<DailyLimit | null> {
  const day = dayOf(now);
  for (const limit of limits) {
    const { bucket, most } = limit;
    const { numInsertedOrUpdatedRows } = await writing
      .insertInto('dailyCount')
      .values({ bucket, day, count: 1 })
      .onConflict((conflict) =>
        conflict
          .columns(['bucket', 'day'])
          .doUpdateSet((row) => ({ count: row('dailyCount.count', '+', 1) }))
          .where('dailyCount.count', '<', most),
      )
      .executeTakeFirst();
    if (most === 0 || numInsertedOrUpdatedRows === 0n) return limit;
  }
  return null;
}

export function dayOf(now: number): number {
  return Math.floor(now / DAY_MS);
}
