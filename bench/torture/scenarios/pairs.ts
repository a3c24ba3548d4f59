import type { Wire } from '../../../api/e2e/wire.ts';
import type { Random } from '../random.ts';
import { BOTH_BROKERS, BOTH_STORES, type Scenario } from '../scenario.ts';
import { trouble } from '../trouble.ts';
import type { World } from '../world.ts';

/** Breaks something. @returns how it is mended */
type Fault = (world: World, random: Random) => Promise<() => Promise<void>>;

const engineStandsStill: Fault = async ({ engine }) => {
  engine.signal('SIGSTOP');
  return async () => engine.signal('SIGCONT');
};

const devicesDrop: Fault = async ({ devices }) => {
  for (const device of devices) device.drop();
  return async () => {};
};

const storeStandsStill: Fault = async ({ postgres }) => {
  const pause = await postgres?.pause();
  return async () => pause?.[Symbol.dispose]();
};

const brokerRestarts: Fault = async ({ mosquitto }) => {
  await mosquitto?.stop();
  return async () => mosquitto?.start();
};

const engineIsKilled: Fault = async ({ engine }) => {
  await engine.kill();
  return () => engine.start();
};

/** What can break in this world; the engine needs its store to start, so it is mended last. */
function faultsOf({ postgres, mosquitto, brokerWire, storeWire }: World): Fault[] {
  return [
    engineStandsStill,
    devicesDrop,
    ...[brokerWire, storeWire].flatMap((wire) => (wire ? [isCut(wire), isBad(wire)] : [])),
    ...(postgres ? [storeStandsStill] : []),
    ...(mosquitto ? [brokerRestarts] : []),
    engineIsKilled,
  ];
}

function isCut(wire: Wire): Fault {
  return async () => {
    wire.cut();
    return async () => wire.mend();
  };
}

function isBad(wire: Wire): Fault {
  return async (_world, random) => {
    const { next } = random.fork();
    wire.disturb({ random: next, delayMs: 20, halves: true, cutAfter: random.int(10, 100) });
    return async () => wire.disturb(null);
  };
}

/** Two faults, the second while the first lasts, again and again. */
const pairs: Scenario = {
  name: 'two-at-once',
  stores: BOTH_STORES,
  brokers: BOTH_BROKERS,
  run(ground, random) {
    const world = {
      wires: ['broker', 'store'] as const,
      ownServer: true,
      connection: 'query_timeout=2000',
    };
    return trouble(ground, random, { world }, async ({ world: broken, goOn }) => {
      const faults = faultsOf(broken);
      const rounds = ground.size === 'short' ? 2 : random.int(3, 6);
      for (let round = 0; round < rounds; round++) {
        const [first, second] = random
          .shuffled(faults)
          .slice(0, 2)
          .sort((a, b) => faults.indexOf(b) - faults.indexOf(a));
        if (!first || !second) throw new Error('there are less than two faults');
        const mendFirst = await first(broken, random);
        await goOn(20, 600);
        const mendSecond = await second(broken, random);
        await goOn(20, 600);
        await mendSecond();
        await goOn(20, 300);
        await mendFirst();
        await goOn(50, 400);
      }
      return { pairs: rounds };
    });
  },
};

export const pairsOfFaults: readonly Scenario[] = [pairs];
