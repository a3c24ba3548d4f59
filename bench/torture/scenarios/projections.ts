import { TOKEN } from '../../../api/e2e/homeostat-process.ts';
import { messageOf } from '../../../engine/index.ts';
import { until } from '../patience.ts';
import { BOTH_BROKERS, BOTH_STORES, type Scenario } from '../scenario.ts';
import { trouble } from '../trouble.ts';
import type { World } from '../world.ts';

const BUILD_MS = 60_000;
/** Beside the load, which comes first, and of both, on a slow machine. */
const SLOWEST_ROWS_PER_MS = 1;

interface Generation {
  generation: number;
  status: string;
}

/** A projection is rebuilt again and again while devices report, and the engine is killed with -9 while it is. */
const rebuilds: Scenario = {
  name: 'kill-while-rebuilding',
  stores: BOTH_STORES,
  brokers: BOTH_BROKERS,
  run(ground, random) {
    return trouble(ground, random, {}, async ({ world, goOn }) => {
      const rounds = ground.size === 'short' ? 2 : random.int(4, 8);
      for (let round = 0; round < rounds; round++) {
        const status = await rebuild(world);
        if (status !== 202 && status !== 409) throw new Error(`a rebuild answers ${status}`);
        // Also at once, before it has begun
        if (random.int(0, 2) > 0) await goOn(1, 300);
        await world.engine.kill();
        await world.engine.start();
      }
      // Beside a server that is left alone it comes to its end
      const { generation } = await built(world);
      await rebuild(world);
      await goOn(200, 600);
      const last = await built(world);
      if (last.generation <= generation) throw new Error('the projection was not rebuilt');
      return { kills: rounds, generations: last.generation };
    });
  },
};

export const projections: readonly Scenario[] = [rebuilds];

const authorization = `Bearer ${TOKEN}`;

async function rebuild({ engine }: World): Promise<number> {
  const url = `${engine.url}/v1/projections/activity/rebuild`;
  const { status } = await fetch(url, { method: 'POST', headers: { authorization } });
  return status;
}

/** Resolves with what answers when nothing is being built. @param rows of the journal, beside those of the load */
export async function built({ engine }: World, rows = 0): Promise<Generation> {
  let answering: Generation[] = [];
  await until(BUILD_MS + rows / SLOWEST_ROWS_PER_MS, 'the projection is built', async () => {
    ({ items: answering } = await engine.get<{ items: Generation[] }>('/v1/projections'));
    return answering.length === 1 && answering[0]?.status === 'active';
  }).catch((error: unknown) => {
    throw new Error(`${messageOf(error)}; it is ${JSON.stringify(answering)}`, { cause: error });
  });
  return answering[0] as Generation;
}
