import { describe, expect, it } from 'vitest';
import { openStorage } from '../../engine/index.ts';
import { type Values, valuesOf } from '../contract/configuration.ts';
import { rulesConfiguration } from './configuration.ts';
import { holdRules } from './held-rules.ts';

const MINUTE = 60_000;

type Configured = Values<typeof rulesConfiguration.variables>;
const configured = (some: Partial<Configured>): Configured => ({
  ...valuesOf(rulesConfiguration, { RULES_HELD_AFTER_CRASHES: 3 }),
  ...some,
});

/** Starts at these minutes, each of which ends cleanly or not. @returns why the last one holds rules back */
async function after(starts: readonly [at: number, ended: boolean][], last: number, crashes = 3) {
  await using storage = await openStorage('sqlite::memory:', { deadLettersPerHome: 1 });
  const configuration = configured({ RULES_HELD_AFTER_CRASHES: crashes });
  const begin = async (at: number) => {
    const [id, now] = [`${Math.random()}`, at * MINUTE];
    const held = holdRules({ configuration, formerStarts: await storage.beginStart(id, now), now });
    return { held, end: () => storage.endStart(id) };
  };
  for (const [at, ended] of starts) {
    const start = await begin(at);
    if (ended) await start.end();
  }
  return (await begin(last)).held?.because ?? null;
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

  it.each(['running', 'held'] as const)('are as the operator wants them: %s', async (wish) => {
    await using storage = await openStorage('sqlite::memory:', { deadLettersPerHome: 1 });
    for (const id of ['a', 'b', 'c']) await storage.beginStart(id, 0);
    const configuration = configured({ RULES_AT_START: wish });
    const formerStarts = await storage.beginStart('d', 1);
    const held = holdRules({ configuration, formerStarts, now: 1 });
    expect(held?.kinds).toEqual(wish === 'running' ? undefined : ['rule']);
  });
});
