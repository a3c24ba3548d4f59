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

describe.each(['SQLite', 'PostgreSQL'])('an operator with projections on %s', (store) => {
  test('lists them, and rebuilds one: beside a server that is killed meanwhile, and without one', async () => {
    await using database = store === 'PostgreSQL' ? await createTestDatabase() : null;
    await using homeostat = await HomeostatProcess.start(
      database === null ? {} : { DATABASE_URL: database.url },
    );
    const projections = (...args: string[]) => run(['projections', ...args], homeostat.environment);
    const rebuilt = async () => {
      const { code, output } = await projections('rebuild', 'activity');
      expect([code, output]).toEqual([0, expect.stringMatching(/activity .*: active; from /)]);
    };
    const report = async (times: number) => {
      await using device = await Device.connect(homeostat.mqttUrl);
      for (let n = 1; n <= times; n++) {
        await device.publish('homeostat/h1/relay/r/telemetry', { power: n });
      }
    };
    const built = () =>
      homeostat.until<{ items: object[] }>('/v1/projections', ({ items }) => items.length === 1);
    const counted = async () => {
      const { total, twins } = await homeostat.get<Activity>(ACTIVITY);
      expect(twins).toMatchObject([{ twin: 'r', turns: total.turns }]);
      return Object.values(total.turns).reduce((sum, count) => sum + count);
    };

    await report(20);
    await rebuilt();
    // With the turn that made it
    expect(await counted()).toBe(21);

    const building = projections('rebuild', 'activity');
    await report(5);
    await homeostat.kill();
    await homeostat.start();
    await report(5);
    expect(await building).toMatchObject({ code: 0 });
    await built();
    await rebuilt();
    expect(await counted()).toBe(31);

    await homeostat.stop();
    // A server of another version ends what was begun for ours
    const followed = projections('rebuild', 'activity', '--wait', '60');
    let listed = '';
    while (!listed.includes('building')) listed = (await projections('list')).output;
    await endBuilding(database?.url ?? `sqlite:${homeostat.folder}/homeostat.db`, 'activity');
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
    await homeostat.until<{ items: object[] }>(
      '/v1/projections',
      ({ items }) => items.length === 1,
    );
    expect(await counted()).toBe(31);
    expect((await projections('list')).output).toMatch(/generation \d+\): active; /);
    const { items } = await homeostat.get<{ items: { target: string; who: string }[] }>(
      '/v1/audit',
    );
    expect(items).toContainEqual(
      expect.objectContaining({ target: 'projection:activity', who: 'command-line' }),
    );
  });
});
