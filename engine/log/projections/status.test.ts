import { expect, test } from 'vitest';
import type { GenerationRow } from '../../model/rows.ts';
import { statusesOf } from './status.ts';

const YEAR = 365 * 86_400_000;
const BEGUN = Date.UTC(2025, 0, 1);
/** A year of turns with the ms in which they came as their positions, and then a year with a position a turn. */
const OLD_HEAD = BEGUN + YEAR;
const HEAD = OLD_HEAD + 1_000_000;
const NOW = BEGUN + 2 * YEAR;

const generation: GenerationRow = {
  ...{ name: 'seen', generation: 1, version: 1, status: 'building', cursor: 0 },
  ...{ start: null, since: null, appliedAt: null, begunAt: NOW, builtAt: null },
  ...{ skipped: 0, error: null },
};

test.each([
  ['nothing', {}, 0],
  [
    'half a year of turns without positions',
    { cursor: BEGUN + YEAR / 2, appliedAt: BEGUN + YEAR / 2 },
    0.25,
  ],
  ['all turns without positions', { cursor: OLD_HEAD, appliedAt: OLD_HEAD }, 0.5],
  [
    'half of the turns that have some',
    { cursor: HEAD - 500_000, appliedAt: OLD_HEAD + YEAR / 2 },
    0.75,
  ],
  ['all', { cursor: HEAD, appliedAt: OLD_HEAD }, 1],
  ['what a clock that was set back has dated', { cursor: OLD_HEAD, appliedAt: BEGUN - 1 }, 0],
])('the progress of a projection that has read %s is a share of time', (_what, parts, progress) => {
  const begun = 'cursor' in parts ? { start: BEGUN - 1, since: BEGUN } : {};
  const generations = [{ ...generation, ...begun, ...parts }];
  const [status] = statusesOf({ generations, head: HEAD }, NOW);
  expect(status?.progress).toBeCloseTo(progress, 10);
});

test('generations that have ended are not listed', () => {
  const generations: GenerationRow[] = [{ ...generation, status: 'ended' }];
  expect(statusesOf({ generations, head: 1 }, NOW)).toEqual([]);
});
