import type { Device } from '../device.ts';
import { addDevice } from '../fleet.ts';
import { until } from '../patience.ts';
import type { Random } from '../random.ts';
import { read } from '../reading.ts';
import { BOTH_BROKERS, BOTH_STORES, type Scenario } from '../scenario.ts';
import { trouble } from '../trouble.ts';
import type { World } from '../world.ts';

const HOUR_MS = 3_600_000;
const NOTICED_MS = 30_000;
/** How many of its last events a sender may send again; the engine's window holds at least 64. */
const SAID_AGAIN = 40;

/** What a sensor said. */
interface Said {
  id: string;
  at: number;
  temperature: number;
}

/** A sensor and all it said, in order. */
interface Teller {
  device: Device;
  said: Said[];
}

/**
 * Sensors that say things twice, with and without the DUP flag, side by side and later, before and
 * after a crash; out of order and late. Each counts once, and what is newest by its own time is
 * what the twin shows.
 */
const doubled: Scenario = {
  name: 'doubled-and-late',
  stores: BOTH_STORES,
  brokers: BOTH_BROKERS,
  run(ground, random) {
    const fleet = { homes: 2, thermostats: 1, relays: 1, sensors: 0 };
    return trouble(ground, random, { fleet }, async ({ world }) => {
      const tellers = await tellersOf(world);
      const rounds = ground.size === 'short' ? 80 : 400;
      for (let round = 0; round < rounds; round++) await tell(random.pick(tellers), random);
      await world.engine.kill();
      await world.engine.start();
      for (const teller of tellers) for (let n = 0; n < 10; n++) await sayAgain(teller, random);
      for (const teller of tellers) await showsNewest(world, teller);
      return { kills: 1, saidAgain: rounds };
    });
  },
};

async function tellersOf(world: World): Promise<Teller[]> {
  const tellers: Teller[] = [];
  for (let n = 0; n < 4; n++) {
    const address = { home: `home${n % 2}`, twin: `teller${n}`, kind: 'sensor' as const };
    tellers.push({ device: await addDevice(world, address, {}), said: [] });
  }
  await Promise.all(tellers.map(({ device }) => device.ready()));
  return tellers;
}

/** Something new, once or several times, and something old. */
async function tell(teller: Teller, random: Random): Promise<void> {
  const { device, said } = teller;
  const late = random.chance(0.3) ? random.int(1, HOUR_MS) : 0;
  const one = {
    id: device.nextId(),
    at: Date.now() - late,
    temperature: random.int(-300, 700) / 10,
  };
  said.push(one);
  const times = random.chance(0.3) ? 2 : 1;
  await Promise.all(Array.from({ length: times }, (_, n) => say(teller, one, n > 0)));
  if (random.chance(0.4)) await sayAgain(teller, random);
}

async function sayAgain(teller: Teller, random: Random): Promise<void> {
  await say(teller, random.pick(teller.said.slice(-SAID_AGAIN)), random.chance(0.5));
}

function say({ device }: Teller, { id, at, temperature }: Said, dup: boolean): Promise<void> {
  return device.report({ at, temperature }, id, dup);
}

async function showsNewest(world: World, { device, said }: Teller): Promise<void> {
  const newest = said.reduce((best, one) => (one.at >= best.at ? one : best));
  await until(NOTICED_MS, `${device.home}/${device.twin} shows its newest reading`, async () => {
    const { reported } = await read(world, device);
    return reported['temperature'] === newest.temperature;
  });
}

export const order: readonly Scenario[] = [doubled];
