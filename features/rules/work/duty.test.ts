import { expect, it } from 'vitest';
import { duty } from './duty.ts';

/** A second of a thread whose process takes a share of a core for what else it does. */
async function shareOfWork(others: number): Promise<number> {
  let at = 0;
  let worked = 0;
  const pause = duty({
    now: () => at,
    used: () => worked + others * at,
    async rest(ms) {
      at += ms;
    },
  });
  while (at < 1_000) {
    at++;
    worked++;
    await pause();
  }
  return worked / at;
}

it('works all the time beside an idle server', async () => {
  expect(await shareOfWork(0)).toBe(1);
});

it.each([
  [0.25, 1 / 3],
  [0.5, 1 / 5],
  [1, 1 / 9],
])(
  'beside a server that takes %d of a core it works about %d of the time',
  async (others, share) => {
    expect(await shareOfWork(others)).toBeCloseTo(share, 1);
  },
);

it('rests no longer after a long wait for the store', async () => {
  let at = 0;
  const rests: number[] = [];
  const pause = duty({
    now: () => at,
    used: () => 2 * at,
    async rest(ms) {
      rests.push(ms);
    },
  });
  at = 10_000;
  await pause();
  expect(rests).toEqual([160]);
});
