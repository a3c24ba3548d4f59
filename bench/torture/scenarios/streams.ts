import { STREAM_DOORS } from '../../stream-reader.ts';
import { Follower } from '../follower.ts';
import { until } from '../patience.ts';
import { BOTH_BROKERS, BOTH_STORES, type Scenario } from '../scenario.ts';
import { gapsOf, streamViolations } from '../stream-violations.ts';
import { trouble } from '../trouble.ts';
import type { World } from '../world.ts';

const TOLD_MS = 30_000;

/**
 * Live streams over both doors, cut off by their network, by restarts of the engine and by `kill -9`. Each goes on
 * after its last message, and has been told each change once and in order, or of a gap.
 */
const resumed: Scenario = {
  name: 'streams-resumed',
  stores: BOTH_STORES,
  brokers: BOTH_BROKERS,
  run(ground, random) {
    const followers: Follower[] = [];
    let settledAt = 0;
    return trouble(
      ground,
      random,
      {
        async settles(world) {
          settledAt = Date.now();
          await allHaveTheEnd(world, followers);
        },
        holds: (_, evidence) =>
          followers.flatMap((one) => streamViolations(one, evidence, settledAt)),
        figures: () => ({
          streams: followers.length,
          told: followers.reduce((sum, { told }) => sum + told.length, 0),
          gaps: followers.reduce((sum, one) => sum + gapsOf(one), 0),
        }),
      },
      async ({ world, goOn }) => {
        for (const home of ['home0', 'home1']) {
          for (const door of STREAM_DOORS) {
            followers.push(await ground.stack.start(() => Follower.open(world, door, home)));
          }
        }
        await goOn(50, 200);
        const times = ground.size === 'short' ? 2 : random.int(4, 7);
        let kills = 0;
        for (let time = 0; time < times; time++) {
          for (let n = random.int(0, 3); n > 0; n--) {
            random.pick(followers).cut();
            await goOn(5, 60);
          }
          // Both ways in the short version
          if ((time + random.int(0, 1)) % 2 === 0) await stopped(world);
          else {
            await world.engine.kill();
            kills++;
          }
          await goOn(1, 200);
          await world.engine.start();
          await goOn(20, 300);
        }
        return { kills, restarts: times - kills };
      },
    );
  },
};

/** In time, although streams go on and come back. */
async function stopped({ engine }: World): Promise<void> {
  const code = await engine.stop();
  if (code !== 0) throw new Error(`the engine stopped with ${code}`);
}

/**
 * One more turn in each home: who was told of it has been told of all before, as a home's turns come in order. Or of
 * a gap in which it lies: where a stream goes on is found out in the background.
 */
async function allHaveTheEnd({ devices }: World, followers: readonly Follower[]): Promise<void> {
  for (const home of new Set(followers.map((follower) => follower.home))) {
    const device = devices.find((one) => one.home === home);
    if (!device) throw new Error(`there is no device in ${home}`);
    const id = device.nextId();
    const ours = followers.filter((one) => one.home === home);
    const before = new Map(ours.map((one) => [one, gapsOf(one)]));
    await device.report(device.state(), id);
    for (const one of ours) {
      await until(TOLD_MS, `${one.door} of ${home} has the end`, async () => {
        return one.has(id) || gapsOf(one) !== before.get(one);
      });
    }
  }
}

export const streams: readonly Scenario[] = [resumed];
