import { lagOf } from '../aftermath.ts';
import { orderViolations } from '../delivery-order.ts';
import type { Device } from '../device.ts';
import { addDevice } from '../fleet.ts';
import { Load } from '../load.ts';
import { until, within } from '../patience.ts';
import { Person } from '../person.ts';
import { BOTH_BROKERS, BOTH_STORES, type Scenario } from '../scenario.ts';
import { type Scene, trouble } from '../trouble.ts';

/** At 200 a second, on a busy machine. */
const FALLS_BEHIND_MS_EACH = 5;
const CATCHES_UP_MS = 60_000;
/** Positions; the full size is more than the outbox holds in memory. */
const BEHIND = { short: 1_500, full: 15_000 } as const;
/** Enough that none is toggled more than some times a second: a twin remembers the ids of ten. */
const SWITCHES = 48;
const PEOPLE = 16;
const MORE_PER_SECOND = 1_000;

/**
 * The destination of all deliveries is away while homes go on, until its reader of the log is far behind. It comes
 * back, and the engine is killed while the reader catches up. What devices were told is complete, and for each
 * twin in order; what comes twice comes under its one id.
 */
const behind: Scenario = {
  name: 'reader-behind',
  stores: BOTH_STORES,
  brokers: BOTH_BROKERS,
  run(ground, random) {
    const positions = ground.behind ?? BEHIND[ground.size];
    const holds = orderViolations({
      // The embedded broker ends with the engine, and has the last desired state alone for who comes back
      isComplete: ground.broker === 'mosquitto',
    });
    return trouble(ground, random, { holds }, async (scene) => {
      const { world, goOn } = scene;
      const switches = await switchesOf(scene);
      await world.order({ order: 'destinations', areAway: true });
      await fallBehind(scene, switches, positions);
      const lag = await lagOf(world.engine.url);
      const kills = ground.size === 'short' ? 1 : random.int(1, 2);
      for (let kill = 0; kill < kills; kill++) {
        // The first engine has a destination that is away; the next ones catch up from their start
        if (kill === 0) await world.order({ order: 'destinations', areAway: false });
        await catchUp(scene, random.int(1, Math.floor(positions / 20)));
        await world.engine.kill();
        await world.engine.start();
      }
      await goOn(100, 300);
      return { kills, behind: lag };
    });
  },
};

/** Relays whose devices listen to what is desired of them. */
async function switchesOf({ world }: Scene): Promise<Device[]> {
  const switches: Device[] = [];
  for (let n = 0; n < SWITCHES; n++) {
    const address = { home: `home${n % 3}`, twin: `switch${n}`, kind: 'relay' as const };
    const device = await addDevice(world, address, {});
    await device.ready();
    await device.listenToDesired();
    switches.push(device);
  }
  return switches;
}

/**
 * People toggle as fast as they are answered: each time it is desired otherwise, which is told to the device. And
 * devices report more often than otherwise.
 */
async function fallBehind(
  { world, devices, random }: Scene,
  switches: readonly Device[],
  positions: number,
): Promise<void> {
  const people = Array.from(
    { length: PEOPLE },
    (_, n) => new Person(() => world.engine.url, world.model, `hasty${n}`),
  );
  const more = new Load(devices, random.fork(), MORE_PER_SECOND);
  more.start();
  let isBehind = false;
  const toggling = people.map(async (person) => {
    while (!isBehind) await person.toggle(random.pick(switches));
  });
  try {
    await Promise.race([
      until(
        30_000 + positions * FALLS_BEHIND_MS_EACH,
        `${positions} positions behind`,
        async () => {
          return (await lagOf(world.engine.url)) >= positions;
        },
      ),
      Promise.all(toggling),
    ]);
  } finally {
    isBehind = true;
    for (const person of people) person.giveUp();
    await Promise.allSettled([...toggling, more.stop()]);
  }
}

/** Devices have been told so much more. */
async function catchUp({ world: { model } }: Scene, messages: number): Promise<void> {
  const count = () => [...model.desired.values()].reduce((sum, { length }) => sum + length, 0);
  const least = count() + messages;
  await within(
    CATCHES_UP_MS,
    'the reader catches up',
    model.until(() => count() >= least),
  );
}

export const readers: readonly Scenario[] = [behind];
