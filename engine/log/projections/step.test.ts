import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { LogRow } from '../../model/rows.ts';
import { foldTurns } from './step.ts';

test('a long fold leaves the process to others on the way', async () => {
  const twins = Array.from({ length: 4 }, (_, n) => `t${n}`);
  const order: string[] = [];
  const definition = {
    ...{ name: 'slow', version: 1, keysOf: () => [{ of: 'twin' as const, key: 'k' }] },
    apply(_value: unknown, { twin }: LogRow) {
      const began = performance.now();
      while (performance.now() - began < 6) order.length; // work
      order.push(twin);
      return twin;
    },
  };
  const turns = twins.map((twin) => ({ home: 'h', twin }) as LogRow);
  const owners = twins.map((twin) => ({ home: 'h', twin, incarnation: 'i' }));
  const other = nextTurn().then(() => order.push('an event'));
  const { puts } = await foldTurns(definition, turns, () => Promise.resolve({ rows: [], owners }));
  await other;
  expect(puts.map(({ value }) => value)).toEqual(twins);
  expect(order.indexOf('an event')).toBeLessThan(order.indexOf('t3'));
});
