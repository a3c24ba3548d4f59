import { expect, it } from 'vitest';
import { ManualClock } from '../../../engine/index.ts';
import { PullQueue } from './pull-queue.ts';

it('ends polls that are open, and those that come later, when the server stops', async () => {
  const queue = new PullQueue({
    ...{ destination: 'mqtt', clock: new ManualClock(), wake: () => {} },
    gateways: { speakerFor: () => null },
    isCurrent: async () => true,
  });
  let hasEnded = false;
  const open = queue.fetch('g', [], 30_000).finally(() => {
    hasEnded = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(hasEnded).toBe(false);
  queue[Symbol.dispose]();
  expect(await open).toEqual([]);
  expect(await queue.fetch('g', [], 30_000)).toEqual([]);
});
