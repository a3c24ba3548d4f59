import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ManualClock } from '../../engine/model/manual-clock.ts';
import { openSqlite } from '../../engine/storage/sqlite/open.ts';
import { startEngine } from '../../engine/testing/engine-bench.ts';
import { activity } from '../../features/activity/activity.ts';
import { relay } from '../../twins/relay/relay.ts';
import { gather } from './evidence.ts';
import { violations } from './invariants.ts';
import { Model } from './model.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'homeostat-evidence-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** What is found after somebody has changed a lamp's store behind the engine's back. */
async function afterwards(sql: string): Promise<string[]> {
  const file = join(folder, 'homeostat.db');
  const storage = await openSqlite(file, { deadLettersPerHome: 10 });
  const clock = new ManualClock(Date.now());
  const bench = await startEngine({ kinds: [relay], storage, clock, projections: [activity] });
  for (const power of [60, 61, 62]) await bench.send('lamp', { type: 'telemetry', power });
  await bench.pass(10_000);
  await bench[Symbol.asyncDispose]();
  await storage[Symbol.asyncDispose]();
  const database = new Database(file);
  expect(database.prepare(sql).run().changes).toBe(1);
  database.close();
  return violations(new Model(), await gather(`sqlite:${file}`));
}

test('a store that nobody has touched holds what it promises', async () => {
  expect(await afterwards('UPDATE twin SET name = name')).toEqual([]);
});

test('a state that does not follow from the journal', async () => {
  expect(
    await afterwards(`UPDATE twin SET state = replace(state, '"power":62', '"power":63')`),
  ).toEqual([
    expect.stringMatching(/^h1\/lamp: replay from 0 differs: .*power/),
    expect.stringMatching(/^h1\/lamp: replay from 0 differs: .*power/),
  ]);
});

test('a projection that has a turn twice', async () => {
  expect(
    await afterwards(
      `UPDATE projection_row SET value = json_set(value, '$.turns.device', 9) WHERE twin = 'lamp'`,
    ),
  ).toEqual([expect.stringMatching(/^projection activity .*"device":9.*"device":3/)]);
});

test('a turn that is missing from the journal', async () => {
  expect(await afterwards('DELETE FROM journal WHERE revision = 2')).toEqual([
    'h1/lamp: revision 3 stands at 2',
    expect.stringContaining('replay from 0 differs'),
    expect.stringContaining('replay from 0 differs'),
    expect.stringMatching(/^projection activity .* has of h1\/ /),
    expect.stringMatching(/^projection activity .* has of h1\/lamp /),
  ]);
});
