import { describe, expect, it } from 'vitest';
import { openStorage } from '../../engine/index.ts';
import { beginStart } from './held-rules.ts';

const MINUTE = 60_000;

/** Starts at these minutes, each of which ends cleanly or not. @returns why the last one holds rules back */
async function after(starts: readonly [at: number, ended: boolean][], last: number, crashes = 3) {
  await using storage = await openStorage('sqlite::memory:', { deadLettersPerHome: 1 });
  const begin = (at: number) =>
    beginStart(storage, { id: `${Math.random()}`, now: at * MINUTE, wish: null, crashes });
  for (const [at, ended] of starts) {
    const start = await begin(at);
    if (ended) await start.end();
  }
  return (await begin(last)).held;
}

describe('rules', () => {
  it.each<[string, [number, boolean][], number]>([
    ['at the first start', [], 0],
    [
      'after two crashes',
      [
        [0, false],
        [1, false],
      ],
      2,
    ],
    [
      'after three starts of which one ended cleanly',
      [
        [0, false],
        [1, true],
        [2, false],
      ],
      3,
    ],
    [
      'after three crashes in more than five minutes',
      [
        [0, false],
        [3, false],
        [6, false],
      ],
      7,
    ],
    [
      'after three crashes of which the last is long ago',
      [
        [0, false],
        [1, false],
        [2, false],
      ],
      60,
    ],
    [
      'after crashes, and a start that ended cleanly',
      [
        [0, false],
        [1, false],
        [2, false],
        [3, true],
      ],
      4,
    ],
  ])('run %s', async (_when, starts, last) => {
    expect(await after(starts, last)).toBeNull();
  });

  it.each<[string, [number, boolean][], number]>([
    [
      'after three crashes within five minutes',
      [
        [0, false],
        [2, false],
        [4, false],
      ],
      5,
    ],
    [
      'after three crashes between which the clock was set back',
      [
        [900, false],
        [901, false],
        [2, false],
      ],
      3,
    ],
    [
      'after a start that held them back and crashed',
      [
        [0, false],
        [1, false],
        [2, false],
        [3, false],
      ],
      4,
    ],
  ])('are held back %s', async (_when, starts, last) => {
    expect(await after(starts, last)).toContain('did not end cleanly');
  });

  it('are never held back where the operator does not want that', async () => {
    expect(
      await after(
        [
          [0, false],
          [1, false],
          [2, false],
        ],
        3,
        0,
      ),
    ).toBeNull();
  });

  it.each(['with', 'without'] as const)('run or not as the command line says: %s', async (wish) => {
    await using storage = await openStorage('sqlite::memory:', { deadLettersPerHome: 1 });
    for (const id of ['a', 'b', 'c']) await storage.beginStart(id, 0);
    const { held } = await beginStart(storage, { id: 'd', now: 1, wish, crashes: 3 });
    expect(held === null).toBe(wish === 'with');
  });
});
