import { statusOf } from '../aftermath.ts';
import { until } from '../patience.ts';
import { BOTH_BROKERS, type Scenario } from '../scenario.ts';
import { trouble } from '../trouble.ts';

const NOTICED_MS = 40_000;

/** The server stops as an operator stops it, or falls, and comes back. */
const restarted: Scenario = {
  name: 'postgres-restarted',
  stores: ['postgres'],
  brokers: BOTH_BROKERS,
  run: (ground, random) =>
    trouble(ground, random, { world: { ownServer: true } }, async ({ world, goOn }) => {
      const times = ground.size === 'short' ? 2 : random.int(2, 4);
      for (let time = 0; time < times; time++) {
        // Both ways in the short version
        if ((time + random.int(0, 1)) % 2 === 0) await world.postgres?.stop();
        else await world.postgres?.crash();
        await goOn(100, 600);
        await world.postgres?.start();
        await goOn(100, 400);
      }
      return { restarts: times };
    }),
};

/** The server stands still, longer than the engine waits for an answer, and goes on where it was. */
const paused: Scenario = {
  name: 'postgres-paused',
  stores: ['postgres'],
  brokers: BOTH_BROKERS,
  run(ground, random) {
    // The shipped limit is 15 s: now and then in the long version
    const patient = ground.size === 'full' && random.chance(0.3);
    const world = { ownServer: true, ...(!patient && { connection: 'query_timeout=400' }) };
    return trouble(ground, random, { world }, async ({ world: { postgres, engine }, goOn }) => {
      const times = ground.size === 'short' || patient ? 1 : random.int(1, 3);
      for (let time = 0; time < times; time++) {
        using _pause = await postgres?.pause();
        await until(NOTICED_MS, 'the engine says so', async () => {
          return (await statusOf(engine.url)) === 503;
        });
        await goOn(patient ? 7_000 : 200, patient ? 9_000 : 800);
      }
      return { pauses: times };
    });
  },
};

export const stores: readonly Scenario[] = [restarted, paused];
