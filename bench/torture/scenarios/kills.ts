import type { Device } from '../device.ts';
import { KILL_POINTS, type KillPoint } from '../orders.ts';
import { within } from '../patience.ts';
import type { Random } from '../random.ts';
import { BOTH_BROKERS, BOTH_STORES, type Ground, type Report, type Scenario } from '../scenario.ts';
import { allAreMissed, arrives, command, sleepers } from '../sleepers.ts';
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

const LONG_MS = 10 * 60_000;

/** kill -9 when what a device cannot be told now has just been parked: it is told once it is back. */
const killsAfterParking: Scenario = {
  name: 'kill-after-parking',
  stores: BOTH_STORES,
  // Mosquitto keeps what its devices are away for by itself
  brokers: ['embedded'],
  run(ground, random) {
    return trouble(ground, random, {}, async ({ world, goOn }) => {
      const away = await sleepers(world, 'away', 3);
      const asked: string[] = [];
      for (const device of away) {
        const died = world.engine.ended();
        await world.order({ order: 'kill', point: 'after-parking', passes: 1 });
        // The answer may die with the engine; what was stored is held against the model all the same
        const id = await command(world, device, LONG_MS).catch(() => null);
        if (id !== null) asked.push(id);
        await within(DEATH_MS, 'the engine dies', died);
        await world.engine.start();
        await goOn(20, 100);
      }
      await Promise.all(away.map((device) => device.comeBack()));
      for (const id of asked) await arrives(world, id);
      return { kills: away.length };
    });
  },
};

/** kill -9 in a quiet moment, before it is stored how far all has been delivered. */
const killsBeforeCursor: Scenario = {
  name: 'kill-before-cursor',
  stores: BOTH_STORES,
  brokers: BOTH_BROKERS,
  run(ground, random) {
    return trouble(ground, random, {}, async ({ world, load, goOn }) => {
      const kills = ground.size === 'short' ? 1 : 3;
      for (let n = 0; n < kills; n++) {
        const died = world.engine.ended();
        await world.order({ order: 'kill', point: 'before-cursor', passes: 1 });
        await load.stop();
        await within(DEATH_MS, 'the engine dies', died);
        await world.engine.start();
        load.start();
        await goOn(20, 200);
      }
      return { kills };
    });
  },
};

export const kills: readonly Scenario[] = [
  ...KILL_POINTS.map(killsAt),
  killsAtEveryPoint,
  killsAnywhere,
  killsAfterParking,
  killsBeforeCursor,
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
