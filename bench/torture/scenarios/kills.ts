import type { Device } from '../device.ts';
import { KILL_POINTS, type KillPoint } from '../orders.ts';
import { within } from '../patience.ts';
import type { Random } from '../random.ts';
import { BOTH_BROKERS, BOTH_STORES, type Ground, type Report, type Scenario } from '../scenario.ts';
import { allAreMissed, sleepers } from '../sleepers.ts';
import { type Scene, trouble } from '../trouble.ts';

const DEATH_MS = 30_000;

type Kill = (scene: Scene) => Promise<void>;

/** kill -9 at a named point of a batch, again and again while devices and people go on. */
function killsAt(point: KillPoint): Scenario {
  return {
    name: `kill-${point}`,
    stores: BOTH_STORES,
    brokers: BOTH_BROKERS,
    run: (ground, random) => killed(ground, random, several(killAt(point), ground, random)),
  };
}

/** The same at all points, one after the other. */
const killsAtEveryPoint: Scenario = {
  name: 'kill-at-every-point',
  stores: BOTH_STORES,
  brokers: BOTH_BROKERS,
  run: (ground, random) => killed(ground, random, random.shuffled(KILL_POINTS).map(killAt)),
};

/** kill -9 whatever it is doing. */
const killsAnywhere: Scenario = {
  name: 'kill-anywhere',
  stores: BOTH_STORES,
  brokers: BOTH_BROKERS,
  run(ground, random) {
    const kill: Kill = async ({ world, goOn }) => {
      await goOn(1, 300);
      await world.engine.kill();
    };
    return killed(ground, random, several(kill, ground, random));
  },
};

export const kills: readonly Scenario[] = [
  ...KILL_POINTS.map(killsAt),
  killsAtEveryPoint,
  killsAnywhere,
];

function killAt(point: KillPoint): Kill {
  return async ({ world, random }) => {
    const died = world.engine.ended();
    await world.order({ order: 'kill', point, passes: random.int(1, 30) });
    const { signal } = await within(DEATH_MS, 'the engine dies', died);
    if (signal !== 'SIGKILL') throw new Error(`the engine ended by ${signal ?? 'itself'}`);
  };
}

function several(kill: Kill, { size }: Ground, random: Random): Kill[] {
  return Array.from({ length: size === 'short' ? 1 : random.int(3, 6) }, () => kill);
}

function killed(ground: Ground, random: Random, sequence: readonly Kill[]): Promise<Report> {
  return trouble(ground, random, {}, async (scene) => {
    const { world } = scene;
    const silent: Device[] = [];
    for (const [n, kill] of sequence.entries()) {
      const settings = { silenceMs: scene.random.int(1_000, 4_000) };
      silent.push(...(await sleepers(world, `silent${n}-`, 2, settings)));
      await kill(scene);
      await world.engine.start();
      await scene.goOn(20, 200);
    }
    await allAreMissed(world, silent);
    await Promise.all(silent.map((device) => device.comeBack()));
    return { kills: sequence.length };
  });
}
