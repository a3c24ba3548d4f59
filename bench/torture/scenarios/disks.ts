import { join } from 'node:path';
import { startPostgres } from '../../../engine/testing/postgres-server.ts';
import { statusOf } from '../aftermath.ts';
import { until } from '../patience.ts';
import { createDatabase, query } from '../postgres-database.ts';
import { BOTH_STORES, type Ground, type Scenario } from '../scenario.ts';
import { SmallDisk, smallDiskMissing } from '../small-disk.ts';
import { trouble } from '../trouble.ts';

const NOTICED_MS = 60_000;
const DISK_MB = 48;

/** No commit fits any more, reads go on; then there is space again. */
const full: Scenario = {
  name: 'disk-full',
  stores: BOTH_STORES,
  brokers: ['mosquitto'],
  missing: () => smallDiskMissing,
  async run(ground, random) {
    const { disk, databaseUrl } =
      ground.store === 'sqlite' ? await sqliteOnIt(ground) : await postgresOnIt(ground);
    return trouble(ground, random, { world: { databaseUrl } }, async ({ world, goOn }) => {
      const times = ground.size === 'short' ? 1 : random.int(1, 3);
      for (let time = 0; time < times; time++) {
        await disk.fill();
        await until(NOTICED_MS, 'the engine says so', async () => {
          return (await statusOf(world.engine.url)) === 503;
        });
        await goOn(100, 600);
        await world.engine.get('/v1/homes/home0/twins');
        await disk.free();
        await goOn(100, 400);
      }
      return { timesFull: times };
    });
  },
};

async function sqliteOnIt({ stack }: Ground) {
  const disk = await stack.start(() => SmallDisk.mount(DISK_MB));
  return { disk, databaseUrl: `sqlite:${join(disk.folder, 'homeostat.db')}` };
}

/** Its tables lie there. The log lies elsewhere: without space for that the server itself ends. */
async function postgresOnIt({ stack }: Ground) {
  const server = await stack.start(() => startPostgres());
  const disk = await stack.start(() => SmallDisk.mount(DISK_MB, server.folder));
  await query(server.url, `CREATE TABLESPACE small LOCATION '${disk.folder}'`);
  const database = await stack.start(() => createDatabase(server.url, 'TABLESPACE small'));
  return { disk, databaseUrl: database.url };
}

export const disks: readonly Scenario[] = [full];
