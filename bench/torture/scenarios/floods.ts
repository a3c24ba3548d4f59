import { keyOf } from '../../../engine/index.ts';
import { summary } from '../../statistics.ts';
import type { Device } from '../device.ts';
import { addDevice } from '../fleet.ts';
import { Flooder } from '../flooder.ts';
import { within } from '../patience.ts';
import { BOTH_BROKERS, BOTH_STORES, type Scenario } from '../scenario.ts';
import { trouble } from '../trouble.ts';
import type { World } from '../world.ts';

const MAX_RSS_MB = 400;
const ANSWER_MS = 60_000;
/**
 * What 99 of 100 round trips of the others may take while the flood goes on, on a busy machine. The
 * embedded broker acknowledges after the commit, which holds the flooding device back. Mosquitto takes
 * all it can get and hands on in order: what is beyond the engine's pace waits there, before others'.
 */
const MAX_P99_MS = { embedded: 3_000, mosquitto: 15_000 } as const;

/**
 * One device sends as fast as it can, far beyond its budget, while devices of other homes go on.
 * Every sample is counted, memory stays bounded, nobody else is made to wait; by how much they wait
 * longer is reported.
 */
const flood: Scenario = {
  name: 'flood',
  stores: BOTH_STORES,
  brokers: BOTH_BROKERS,
  run(ground, random) {
    const world = { environment: { LIMIT_TELEMETRY_BUDGET: '20' } };
    const fleet = { homes: 3, thermostats: 2, restless: false };
    const setting = { world, fleet, perSecond: 50, mostRssMb: MAX_RSS_MB };
    return trouble(ground, random, setting, async ({ world: flooded }) => {
      const others: Device[] = [];
      for (let n = 0; n < 4; n++) {
        const address = { home: `home${n % 2}`, twin: `echo${n}`, kind: 'thermostat' as const };
        others.push(await addDevice(flooded, address, { regulation: 'engine' }));
      }
      const address = { home: 'home2', twin: 'flooder', kind: 'sensor' as const };
      const wild = await addDevice(flooded, address, {});
      await Promise.all([...others, wild].map((device) => device.ready()));
      const turns = ground.size === 'short' ? 25 : 150;
      const before = summary(await roundTrips(flooded, others, turns));
      const sent = ground.size === 'short' ? 5_000 : 50_000;
      const flooder = ground.stack.use(
        new Flooder(flooded.deviceUrl, wild.topic('telemetry'), sent),
      );
      const poured = flooder.acknowledged();
      poured.catch(() => {}); // awaited below
      const during = summary(await roundTrips(flooded, others, turns));
      const acknowledged = await within(ANSWER_MS, 'the flood is acknowledged', poured);
      flooded.model.anonymous.set(keyOf(wild), { sent, acknowledged });
      if (during.p99 > MAX_P99_MS[ground.broker])
        throw new Error(`others wait for ${Math.round(during.p99)} ms`);
      return {
        poured: acknowledged,
        p50Before: Math.round(before.p50),
        p50During: Math.round(during.p50),
        p99Before: Math.round(before.p99),
        p99During: Math.round(during.p99),
      };
    });
  },
};

/** From a report to the command that it leads to, in ms. */
async function roundTrips(
  world: World,
  devices: readonly Device[],
  turns: number,
): Promise<number[]> {
  const taken: number[] = [];
  const one = async (device: Device) => {
    for (let turn = 0; turn < turns; turn++) {
      const { on } = device;
      const began = performance.now();
      await device.report({ temperature: on ? 21.6 : 20.4, ...device.state() });
      await within(
        ANSWER_MS,
        'a command',
        world.model.until(() => device.on !== on),
      );
      taken.push(performance.now() - began);
    }
  };
  await Promise.all(devices.map(one));
  return taken;
}

export const floods: readonly Scenario[] = [flood];
