/** What the fuzz found outside this folder: each test fails until its cause is mended, and says so then. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FuzzWorld } from './testing/fuzz-world.ts';

describe('a measurement', () => {
  const by = { principal: 'admin', source: 'rest' };
  const probe = { home: 'h1', twin: 'gauge' };
  let world: FuzzWorld;
  beforeEach(async () => {
    world = await FuzzWorld.open();
  });
  afterEach(() => world[Symbol.asyncDispose]());

  async function measure(name: string, values: readonly (number | 'later')[]): Promise<void> {
    const { engine, clock } = world.bench;
    const settings = { measurements: { [name]: 'x' } };
    await engine.createTwin({ ...probe, kind: 'sensor', settings }, by);
    for (const value of values) {
      if (value === 'later') clock.advance(301_000);
      else await world.says('h1/sensor/gauge/telemetry', { [name]: value });
    }
  }
  const history = (measurement: string) =>
    world.bench.get(`/v1/homes/h1/twins/gauge/history?measurement=${measurement}&resolution=1h`);

  it.fails('whose samples add up to more than a double holds has a mean among them', async () => {
    await measure('extra', [1e308, 1e308]);
    const { points } = (await history('extra')).body as { points: { mean: number }[] };
    expect(points[0]?.mean).toBeCloseTo(1e308);
  });

  it.fails('whose hours add up to nothing that can be stored does not end its telemetry', async () => {
    await measure('extra', [1e308, 1e308, 'later', -1e308, -1e308, 'later', 1]);
    const letters = await world.bench.engine.storage.listDeadLetters('h1', { limit: 200 });
    expect(letters.items.filter(({ twin }) => twin === 'gauge')).toEqual([]);
  });

  it.fails('that is called what every object has keeps its buckets', async () => {
    await measure('constructor', [1, 'later', 2]);
    expect((await history('constructor')).status).toBe(200);
  });
});
