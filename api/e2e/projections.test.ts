import { describe, expect, test } from 'vitest';
import { openStorage } from '../../engine/index.ts';
import { createTestDatabase } from '../../engine/testing/postgres.ts';
import { run } from './command-line.ts';
import { Device } from './device.ts';
import { HomeostatProcess } from './homeostat-process.ts';

interface Activity {
  total: { turns: Record<string, number> };
  twins: { twin: string; turns: Record<string, number> }[];
}

async function endBuilding(url: string, name: string): Promise<void> {
  await using storage = await openStorage(url, { deadLettersPerHome: 1 });
  const { generations } = await storage.listGenerations();
  const building = generations.find((one) => one.name === name && one.status === 'building');
  await storage.endGeneration(name, building?.generation ?? 0);
}

const ACTIVITY = '/v1/homes/h1/activity';

/** A server with activity of one device, and the command line beside it. */
async function world(store: string) {
  const database = store === 'PostgreSQL' ? await createTestDatabase() : null;
  const homeostat = await HomeostatProcess.start(
    database === null ? {} : { DATABASE_URL: database.url },
  );
  const projections = (...args: string[]) => run(['projections', ...args], homeostat.environment);
  const url = () => database?.url ?? `sqlite:${homeostat.folder}/homeostat.db`;
  return {
    homeostat,
    projections,
    url,
    async report(times: number) {
      await using device = await Device.connect(homeostat.mqttUrl);
      for (let n = 1; n <= times; n++) {
        await device.publish('homeostat/h1/relay/r/telemetry', { power: n });
      }
    },
    async rebuilt() {
      const { code, output } = await projections('rebuild', 'activity');
      expect([code, output]).toEqual([0, expect.stringMatching(/activity .*: active; from /)]);
    },
    built: () =>
      homeostat.until<{ items: object[] }>('/v1/projections', ({ items }) => items.length === 1),
    async counted() {
      const { total, twins } = await homeostat.get<Activity>(ACTIVITY);
      expect(twins).toMatchObject([{ twin: 'r', turns: total.turns }]);
      return Object.values(total.turns).reduce((sum, count) => sum + count);
    },
    async [Symbol.asyncDispose]() {
      await homeostat[Symbol.asyncDispose]();
      await database?.[Symbol.asyncDispose]();
    },
  };
}

describe.each(['SQLite', 'PostgreSQL'])('an operator with projections on %s', (store) => {
  test('rebuilds one beside a server that is killed meanwhile', async () => {
    await using here = await world(store);
    await here.report(20);
    await here.rebuilt();
    // With the turn that made it
    expect(await here.counted()).toBe(21);

    const building = here.projections('rebuild', 'activity');
    await here.report(5);
    await here.homeostat.kill();
    await here.homeostat.start();
    await here.report(5);
    expect(await building).toMatchObject({ code: 0 });
    await here.built();
    await here.rebuilt();
    expect(await here.counted()).toBe(31);
  });

  test('lists them, and rebuilds one without a server', async () => {
    await using here = await world(store);
    const { homeostat, projections } = here;
    await here.report(20);
    await here.built();
    await homeostat.stop();
    // A server of another version ends what was begun for ours
    const followed = projections('rebuild', 'activity', '--wait', '60');
    let listed = '';
    while (!listed.includes('building')) listed = (await projections('list')).output;
    await endBuilding(here.url(), 'activity');
    const { code, output } = await followed;
    expect([code, output]).toEqual([
      1,
      expect.stringMatching(/generation \d+ of activity was ended/),
    ]);

    const waiting = await projections('rebuild', 'activity', '--wait', '0.1');
    expect(waiting.output).toContain('the next one that starts does');
    const again = await projections('rebuild', 'activity');
    expect([again.code, again.output]).toEqual([1, expect.stringContaining('being built already')]);
    const none = await projections('rebuild', 'none');
    expect([none.code, none.output]).toEqual([1, expect.stringContaining('There are: activity')]);
    expect((await projections('list')).output).toContain('building, 0 %');
    await homeostat.start();
    await here.built();
    expect(await here.counted()).toBe(21);
    expect((await projections('list')).output).toMatch(/generation \d+\): active; /);
    const { items } = await homeostat.get<{ items: { target: string; who: string }[] }>(
      '/v1/audit',
    );
    expect(items).toContainEqual(
      expect.objectContaining({ target: 'projection:activity', who: 'command-line' }),
    );
  });
});
