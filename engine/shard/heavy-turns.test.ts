/** Twins whose turns take long, as rules can within their budget, among those of other homes. */
import { expect, test } from 'vitest';
import { assign, setup } from 'xstate';
import { z } from 'zod';
import { defineKind } from '../kernel/define-kind.ts';
import type { Effect } from '../kind.ts';
import type { EventsOf } from '../model/kind.ts';
import { startEngine } from '../testing/engine-bench.ts';
import { lamp } from '../testing/lamp.ts';

const TURN_MS = 15;
const events = { thought: z.object({}), sleep: z.object({}) };

/** Thinks about every change in its home. */
const thinker = defineKind({
  kind: 'thinker',
  version: 1,
  description: 'Thinks.',
  events,
  commands: {},
  measurements: {},
  impulses: ['thought'],
  machine: setup({
    types: {} as {
      context: { thoughts: number };
      events: EventsOf<typeof events>;
      emitted: Effect;
    },
  }).createMachine({
    context: { thoughts: 0 },
    on: {
      thought: {
        actions: assign({
          thoughts: ({ context }) => {
            const from = performance.now();
            while (performance.now() - from < TURN_MS);
            return context.thoughts + 1;
          },
        }),
      },
    },
  }),
  watches: () => [{ kind: 'lamp' }],
  onObserved: () => ({ type: 'thought' }),
  view: ({ thoughts }) => ({ reported: { thoughts }, desired: {}, settings: {} }),
});

async function openHomes(thinkers: number) {
  const bench = await startEngine({ kinds: [lamp, thinker] });
  const send = (home: string, twin: string, kind: string, type: string) =>
    bench.send(
      twin,
      { type, ...(type === 'telemetry' && { power: 1 }) },
      {
        ...{ home, kind, ifUnknown: 'create' as const },
      },
    );
  for (let n = 0; n < thinkers; n++) await send('loud', `t${n}`, 'thinker', 'sleep');
  await send('quiet', 'lamp', 'lamp', 'telemetry');
  const change = (home: string) => send(home, 'lamp', 'lamp', 'telemetry');
  return { ...bench, change };
}

test('everyone else has the process between the turns of those who watch one twin', async () => {
  await using homes = await openHomes(20);
  let longest = 0;
  let isOver = false;
  const looks = (async () => {
    while (!isOver) {
      const from = performance.now();
      await new Promise((resolve) => setImmediate(resolve));
      longest = Math.max(longest, performance.now() - from);
    }
  })();
  // Its making is noticed, and then its first reading
  await homes.change('loud');
  isOver = true;
  await looks;
  expect(longest).toBeLessThan((20 * TURN_MS) / 2);
  for (let n = 0; n < 20; n++) {
    const address = { home: 'loud', twin: `t${n}` };
    expect((await homes.engine.readTwin(address))?.view.reported).toEqual({ thoughts: 2 });
    expect(await homes.engine.replay(address)).toMatchObject({ ok: true });
  }
});

test('a home whose rules take long is isolated, and the others do not wait for it', async () => {
  await using homes = await openHomes(10);
  const order: string[] = [];
  const loud = homes.change('loud').then(() => order.push('loud'));
  for (let n = 0; n < 3; n++) order.push((await homes.change('quiet')).status);
  await loud;
  expect(order).toEqual(['accepted', 'accepted', 'accepted', 'loud']);
});
