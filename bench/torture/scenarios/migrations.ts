import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { openStorage } from '../../../engine/index.ts';
import { asJson, query, series } from '../../sql.ts';
import { makeFormer } from '../former-database.ts';
import { within } from '../patience.ts';
import { BOTH_BROKERS, BOTH_STORES, type Scenario } from '../scenario.ts';
import { arrives, command, sleepers } from '../sleepers.ts';
import { type Scene, trouble } from '../trouble.ts';
import type { World } from '../world.ts';
import { built } from './projections.ts';

const LONG_MS = 10 * 60_000;
const MONTH_MS = 30 * 86_400_000;
const STARTS_MS = 60_000;
const HEAVY = { home: 'heavy', twin: 'original' };
/** Twins that weigh, each with so many turns. */
const TURNS = 300;
const COPIES = { short: 50, full: 400 } as const;
/** To build a projection from so many rows makes garbage, which lies until the heap has reached its limit. */
const MAX_RSS_MB = 650;
/** From the moment at which a migration begins to the kill, at most: in its first statement, or in a later one. */
const MIGRATES_MS = [5, 50, 300] as const;
/** As an operator sees it. */
const BEGINS = 'the database is brought up to date';

/**
 * A database of the version before the log, with years behind it, is migrated by engines that are killed while they
 * do so, until one comes to the end. No row is lost or changed, and life goes on where it was.
 */
const killed: Scenario = {
  name: 'migration-killed',
  stores: BOTH_STORES,
  brokers: BOTH_BROKERS,
  run(ground, random) {
    return trouble(ground, random, { mostRssMb: MAX_RSS_MB }, async (scene) => {
      const { world, goOn } = scene;
      const away = await sleepers(world, 'away', 3);
      const asked = await Promise.all(away.map((device) => command(world, device, LONG_MS)));
      await makeOriginal(world);
      const code = await world.engine.stop();
      if (code !== 0) throw new Error(`the engine stopped with ${code}`);
      await multiply(world.databaseUrl, COPIES[ground.size]);
      const before = await fingerprints(world.databaseUrl);
      await makeFormer(world.databaseUrl);
      const kills = ground.size === 'short' ? 2 : random.int(4, 8);
      let migrating = 0;
      for (let kill = 0; kill < kills; kill++) if (await killedMigrating(scene)) migrating++;
      await world.engine.start();
      assertKept(before, await fingerprints(world.databaseUrl));
      await goOn(50, 300);
      await Promise.all(away.map((device) => device.comeBack()));
      for (const id of asked) await arrives(world, id);
      // From the journal that was there before
      await built(world, before.size);
      return { kills, killedMigrating: migrating, rows: before.size };
    });
  },
};

/** @returns whether it died before it ran */
async function killedMigrating({ world, random }: Scene): Promise<boolean> {
  const victim = await world.rival({ LOG_LEVEL: 'info' });
  const runs = victim.start().then(() => true);
  runs.catch(() => {}); // it is killed
  const begins = within(STARTS_MS, 'a migration begins', victim.says(BEGINS)).then(() => false);
  const isPast = await Promise.race([runs, begins]);
  begins.catch(() => {}); // it had nothing to migrate any more
  await sleep(random.int(0, random.pick(MIGRATES_MS)));
  const said = victim.output;
  await victim.kill();
  return !isPast && !said.includes('Homeostat is running');
}

async function makeOriginal({ engine }: World): Promise<void> {
  const { home, twin } = HEAVY;
  await engine.request('POST', '/v1/homes', { id: home });
  const settings = { silenceMs: MONTH_MS };
  await engine.request('POST', `/v1/homes/${home}/twins`, { id: twin, kind: 'sensor', settings });
  const event = { type: 'telemetry', temperature: 20.5, humidity: 41 };
  const path = `/v1/homes/${home}/twins/${twin}/events`;
  await Promise.all(Array.from({ length: TURNS }, () => engine.request('POST', path, event)));
}

/** Copies of its rows, under names of their own. */
async function multiply(databaseUrl: string, copies: number): Promise<void> {
  const is = `home = '${HEAVY.home}' AND twin = '${HEAVY.twin}'`;
  // A twin's state knows its name
  const named = `'"twin":"${HEAVY.twin}"', '"twin":"copy' || n || '"'`;
  const state = asJson(databaseUrl, `replace(CAST(state AS text), ${named})`);
  for (const table of ['twin', 'journal', 'checkpoint']) {
    const [row] = await query<object>(databaseUrl, `SELECT * FROM ${table} WHERE ${is} LIMIT 1`);
    if (!row) continue;
    const kept = Object.keys(row).filter(
      (column) => !['home', 'twin', 'position'].includes(column),
    );
    // Turns lie in the file as they come, of all twins in turn; the log's index over block ranges relies on it
    const order = kept.includes('revision') ? 'revision, n' : 'n';
    const list = kept.map((column) => `"${column}"`).join();
    const values = kept.map((column) =>
      column === 'state' && table !== 'journal' ? state : `"${column}"`,
    );
    await query(
      databaseUrl,
      `${series(copies)} INSERT INTO ${table} (home, twin, ${list})
       SELECT home, 'copy' || n, ${values.join()} FROM ${table}, series WHERE ${is} ORDER BY ${order}`,
    );
  }
}

/** All that the former version knew of each turn. */
async function fingerprints(databaseUrl: string): Promise<Map<string, string>> {
  await using storage = await openStorage(databaseUrl, { deadLettersPerHome: 1_000 });
  const found = new Map<string, string>();
  const homes = await storage.listHomes({ limit: 100 });
  for (const { id: home } of homes.items) {
    const twins = await storage.listTwins(home, {}, { limit: 1_000 });
    for (const { twin, revision } of twins.items) {
      const rows = await storage.readJournal({ home, twin }, 0, revision + 1);
      for (const { desired: _desired, reported: _reported, ...row } of rows) {
        const text = JSON.stringify(row);
        found.set(
          `${home}/${twin}@${row.revision}`,
          createHash('sha256').update(text).digest('hex'),
        );
      }
    }
  }
  return found;
}

function assertKept(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): void {
  const wrong = [...before].filter(([turn, print]) => after.get(turn) !== print);
  if (wrong.length === 0) return;
  const [[first] = ['']] = wrong;
  throw new Error(`${wrong.length} turns were lost or changed by the migration, such as ${first}`);
}

export const migrations: readonly Scenario[] = [killed];
