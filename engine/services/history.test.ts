import { describe, expect, test } from 'vitest';
import { journalOf, NOW, rollupOf, stateOf, twinOf } from '../storage/contract/sample-rows.ts';
import { Writer } from '../storage/contract/subject.ts';
import type { Storage } from '../storage/port.ts';
import { openSqlite } from '../storage/sqlite/open.ts';
import { startEngine } from '../testing/engine-bench.ts';
import { gauge } from '../testing/gauge.ts';
import { MEASUREMENT_LIMIT } from '../turn/rollups.ts';
import { readHistory } from './history.ts';

const DAY = 86_400_000;
const g = { home: 'h1', twin: 'g' };

describe('history', () => {
  test('has the mean of the largest measurements', async () => {
    await using bench = await startEngine({ kinds: [gauge] });
    for (let n = 0; n < 3; n++) {
      await bench.send('g', { type: 'telemetry', value: MEASUREMENT_LIMIT });
    }
    const to = bench.clock.now() + 1;
    const query = { ...g, measurement: 'value', from: to - DAY, to };
    expect((await bench.engine.history(query, '1h')).points).toMatchObject([
      { count: 3, mean: 1e290 },
    ]);
  });

  test.each(['constructor', 'toString'])('has what is called %s', async (measurement) => {
    await using bench = await startEngine({ kinds: [gauge] });
    await bench.send('g', { type: 'telemetry', value: 1 });
    const read = async (resolution: '5m' | '1h') => {
      const to = bench.clock.now() + 1;
      const query = { ...g, measurement, from: to - DAY, to };
      return (await bench.engine.history(query, resolution)).points;
    };
    expect(await read('5m')).toEqual([]);
    await bench.send('g', { type: 'telemetry', [measurement]: 1 });
    await bench.pass(600_000);
    await bench.send('g', { type: 'telemetry', [measurement]: 3 });
    expect(await read('5m')).toMatchObject([{ mean: 1 }, { mean: 3 }]);
    expect(await read('1h')).toMatchObject([{ count: 2, mean: 2, last: 3 }]);
    expect(await bench.engine.replay(g)).toMatchObject({ ok: true });
  });

  test('has a mean between its extremes where an old sum is no number', async () => {
    await using storage = await openSqlite(':memory:', { deadLettersPerHome: 1 });
    const writer = await Writer.of(storage);
    const old = { count: 2, min: 1e308, max: 1.5e308, last: 1e308 };
    const open = { ...old, start: NOW + 3_600_000, sum: Infinity, lastAt: NOW + 3_600_000 };
    await writer.write({
      twins: [twinOf({ state: stateOf({ buckets: { temperature: open } }) })],
      rollups: [rollupOf({ ...old, sum: Infinity, resolution: '1h' })],
    });
    const query = { home: 'h', twin: 't', measurement: 'temperature', from: NOW, to: NOW + DAY };
    expect((await readHistory(storage, query, '1h')).points).toEqual([
      { at: NOW, ...old, mean: expect.closeTo(1.25e308, -300) },
    ]);
  });

  test('of samples looks at a bounded number of turns, though it finds nothing', async () => {
    await using storage = await openSqlite(':memory:', { deadLettersPerHome: 1 });
    let stretches = 0;
    let others = 0;
    const endless: Pick<Storage, 'listSamples' | 'listRollups' | 'getTwin'> = {
      ...storage,
      async listSamples(_query, from) {
        setImmediate(() => others++);
        return { samples: [], next: [(from?.[0] ?? 0) + ++stretches, 0] };
      },
    };
    const query = { ...g, measurement: 'never', from: 0, to: NOW };
    expect(await readHistory(endless, query, 'raw')).toEqual({
      ...{ points: [], truncated: true, looked: 100_000 },
    });
    expect(stretches).toBe(50);
    // Others have had their turn in between
    expect(others).toBeGreaterThanOrEqual(49);
  });

  test('of samples goes over stretches, and says whether there is more', async () => {
    await using storage = await openSqlite(':memory:', { deadLettersPerHome: 1 });
    const writer = await Writer.of(storage);
    for (let page = 0; page < 5; page++) {
      await writer.write({
        journal: Array.from({ length: 5_000 }, (_, n) => {
          const revision = page * 5_000 + n;
          const at = NOW + revision * 1_000;
          return journalOf({ revision, at, receivedAt: at });
        }),
      });
    }
    const query = { home: 'h', twin: 't', measurement: 'temperature', from: NOW };
    const whole = await readHistory(storage, { ...query, to: NOW + 9_000_000 }, 'raw');
    expect(whole.points.map(({ at }) => at)).toEqual(
      Array.from({ length: 9_000 }, (_, n) => NOW + n * 1_000),
    );
    expect(whole).toMatchObject({ truncated: false });
    const cut = await readHistory(storage, { ...query, to: NOW + DAY }, 'raw');
    expect(cut.points).toHaveLength(20_000);
    expect(cut).toMatchObject({ truncated: true });
  });
});
