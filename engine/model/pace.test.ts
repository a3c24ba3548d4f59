import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Pace } from './pace.ts';

test('flows that share a pace leave the event loop to others, however many they are', async () => {
  const pace = new Pace(5);
  let others = 0;
  let isOver = false;
  const other = async () => {
    for (; !isOver; others++) await nextTurn();
  };
  const flow = async () => {
    for (let n = 0; n < 50; n++) {
      const turn = pace.wait();
      if (turn) await turn;
      const from = performance.now();
      while (performance.now() - from < 0.2) others; // work
      await null;
    }
  };
  const beside = other();
  await Promise.all(Array.from({ length: 20 }, flow));
  isOver = true;
  await beside;
  // 200 ms of work in pieces
  expect(others).toBeGreaterThan(10);
});
