import { allGoOff, assertOn, lampsOf, switchOn } from '../lamps.ts';
import { until } from '../patience.ts';
import { read } from '../reading.ts';
import { BOTH_STORES, type Scenario } from '../scenario.ts';
import { trouble } from '../trouble.ts';
import type { World } from '../world.ts';

const HOUR_MS = 3_600_000;
const NOTICED_MS = 30_000;

/**
 * Set forward past armed deadlines: each fires, once. Set back: those that are armed wait for their
 * hour by the new time, across a restart too. Early is what is before the deadline by the clock
 * that the engine has at that moment; the invariants of every scenario hold that for every timer.
 */
const jumps: Scenario = {
  name: 'clock-jumps',
  stores: BOTH_STORES,
  brokers: ['mosquitto'],
  run: (ground, random) =>
    trouble(
      ground,
      random,
      { fleet: { homes: 2, thermostats: 1, relays: 0, sensors: 1 } },
      async ({ world, goOn }) => {
        const lamps = await lampsOf(world);
        await switchOn(world, lamps);
        await world.setClock(2 * HOUR_MS);
        await allGoOff(world, lamps);
        await goOn(50, 200);
        await switchOn(world, lamps);
        await world.setClock(HOUR_MS);
        await goOn(100, 300);
        await restartAt(world, HOUR_MS);
        await goOn(100, 300);
        await assertOn(world, lamps);
        await world.setClock(4 * HOUR_MS);
        await allGoOff(world, lamps);
        return { jumps: 3 };
      },
    ),
};

/** The clock is set back by an hour. What a device reports from then on is how things are. */
const setBack: Scenario = {
  name: 'clock-set-back',
  stores: BOTH_STORES,
  brokers: ['mosquitto'],
  run: (ground, random) =>
    trouble(ground, random, {}, async ({ world, devices, goOn }) => {
      await world.setClock(-HOUR_MS);
      await goOn(50, 200);
      const sensor = devices.find(({ kind }) => kind === 'sensor');
      if (!sensor) throw new Error('there is no sensor');
      await sensor.report({ co2: 777 });
      await until(NOTICED_MS, 'a report after the clock was set back is folded', async () => {
        const { reported } = await read(world, sensor);
        return reported['co2'] === 777;
      });
      return { jumps: 1 };
    }),
};

/** The clock is set back while the engine waits for its next try: the wait must not become an hour. */
const setBackMeanwhile: Scenario = {
  name: 'clock-set-back-in-outage',
  stores: ['postgres'],
  brokers: ['mosquitto'],
  run: (ground, random) =>
    trouble(ground, random, { world: { wires: ['store'] } }, async ({ world, goOn }) => {
      world.storeWire?.cut();
      await goOn(200, 600);
      await world.setClock(-HOUR_MS);
      world.storeWire?.mend();
      await goOn(50, 200);
      return { jumps: 1 };
    }),
};

/** The clock of the new process goes wrong as that of the old one did. */
async function restartAt(world: World, offsetMs: number): Promise<void> {
  await world.engine.stop();
  const starts = world.engine.start();
  await world.setClock(offsetMs);
  await starts;
}

export const clocks: readonly Scenario[] = [jumps, setBack, setBackMeanwhile];
