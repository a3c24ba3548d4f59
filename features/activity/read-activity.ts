import type { Engine } from '../../engine/index.ts';
import { FeatureError } from '../contract/feature-error.ts';
import { ACTIVITY, type Activity, added, NOTHING, turnsOf } from './activity.ts';

/** Days of one answer. */
export const MAX_DAYS = 92;
/** Rows that are added up for one answer: days of twins. A week of as many twins as a home may have by default is less. */
const MAX_ROWS = 80_000;
const PAGE = 1_000;

/** UTC days, `from` inclusive, `to` exclusive. */
export interface Days {
  from: string;
  to: string;
}

/** The days of a home (`twin` empty) or of a twin on which something went on, the first one first. */
export async function readDays(
  engine: Engine,
  of: { home: string; twin: string },
  days: Days,
): Promise<{ day: string; activity: Activity }[]> {
  const rows = await engine.listProjected(
    { name: ACTIVITY, ...of, ...days, after: null },
    MAX_DAYS,
  );
  return rows.map(({ key, value }) => ({ day: key, activity: value as Activity }));
}

/**
 * The twins of a home by how often they had a turn, the one that had most first.
 * @throws FeatureError `bad-input` where that is more to read than one answer may
 */
export async function rankTwins(
  engine: Engine,
  home: string,
  days: Days,
): Promise<{ twin: string; activity: Activity }[]> {
  const totals = new Map<string, Activity>();
  let after: { twin: string; key: string } | null = null;
  for (let read = 0; ; read += PAGE) {
    const query = { name: ACTIVITY, home, twin: null, ...days, after };
    const rows = await engine.listProjected(query, PAGE);
    for (const { twin, value } of rows) {
      totals.set(twin, added(totals.get(twin) ?? NOTHING, value as Activity));
    }
    const last = rows.at(-1);
    if (!last || rows.length < PAGE) break;
    if (read + PAGE >= MAX_ROWS) {
      throw new FeatureError('bad-input', `that is more than ${MAX_ROWS} days of twins`, {
        hint: 'Ask for fewer days, or for one twin.',
      });
    }
    after = { twin: last.twin, key: last.key };
  }
  return [...totals]
    .map(([twin, activity]) => ({ twin, activity }))
    .sort((a, b) => turnsOf(b.activity) - turnsOf(a.activity) || (a.twin < b.twin ? -1 : 1));
}
