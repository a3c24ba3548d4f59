import { expect, test } from 'vitest';
import { TwinBench } from '../authoring/twin-bench.ts';
import { startEngine } from '../testing/engine-bench.ts';
import { gauge } from '../testing/gauge.ts';
import { lamp } from '../testing/lamp.ts';

test('an event that is folded although late is measured once', () => {
  const bench = new TwinBench(gauge);
  bench.advance(2_000);
  bench.send({ type: 'telemetry', value: 1 });
  const late = bench.send({ type: 'telemetry', value: 3 }, { at: bench.now - 1_000 });
  expect(late.status).toBe('accepted');
  expect(bench.twin.state.buckets.value).toMatchObject({ count: 2, sum: 4, last: 1 });
});

test('what a device calls folded is not taken for what the mailbox folded', async () => {
  await using bench = await startEngine({ kinds: [gauge] });
  const fields = { value: { count: 9, sum: 9, min: 0, max: 9 } };
  for (const folded of [1, { samples: 9, ids: [], fields }]) {
    await bench.send('g', { type: 'telemetry', value: 1, folded });
  }
  const { row, view } = (await bench.engine.readTwin({ home: 'h1', twin: 'g' })) ?? {};
  expect(view?.reported).toEqual({ value: 1 });
  expect(row?.state.buckets.value).toMatchObject({ count: 2, sum: 2 });
  expect(await bench.engine.replay({ home: 'h1', twin: 'g' })).toMatchObject({
    ok: true,
    turns: 2,
  });
});

test('after the clock was set back, what arrives is folded; what is dated before is late', async () => {
  await using bench = await startEngine({ kinds: [lamp] });
  const power = async () =>
    (await bench.engine.readTwin({ home: 'h1', twin: 'a' }))?.view.reported.power;
  await bench.send('a', { type: 'telemetry', power: 1 });
  const before = bench.clock.now();
  bench.clock.jump(before - 3_600_000);
  expect(await bench.send('a', { type: 'telemetry', power: 2 })).toMatchObject({
    status: 'accepted',
  });
  expect(await power()).toBe(2);
  const dated = { at: before - 60_000 };
  expect(await bench.send('a', { type: 'telemetry', power: 3 }, dated)).toMatchObject({
    status: 'ignored',
  });
  expect(await power()).toBe(2);
  expect(await bench.engine.replay({ home: 'h1', twin: 'a' })).toMatchObject({ ok: true });
});
