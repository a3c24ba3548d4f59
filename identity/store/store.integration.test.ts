/** What the store promises to whoever changes rights. */
import { PostgresAdapter, sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openStorage } from '../../engine/index.ts';
import { ManualClock } from '../../engine/model/manual-clock.ts';
import { homeOf } from '../../engine/storage/contract/sample-rows.ts';
import { openIdentityDatabase } from '../index.ts';
import { STORES } from '../testing/open-identity.ts';
import { atomically } from './atomically.ts';
import { countDaily } from './daily-counts.ts';
import { GenerationCache } from './generation-cache.ts';
import { HOLDINGS } from './holdings.ts';
import type { IdentityDatabase } from './open.ts';

/** Tables of the engine, which deletes what belongs to a home itself. */
const ENGINES = [
  ...['home', 'twin', 'journal', 'checkpoint', 'intent', 'alert', 'parked', 'dead_letter'],
  ...['relation', 'rollup', 'candidate', 'schema_migration', 'engine_lease', 'lease', 'writer'],
  ...['projection_row', 'present_epoch'],
];

/** Whether rows of a table are deleted with what its columns name: the twin where it names one, else the home. */
async function goesWithItsHome(
  database: IdentityDatabase,
  table: string,
  about: readonly string[],
): Promise<boolean> {
  const isPostgres = database.getExecutor().adapter instanceof PostgresAdapter;
  const { rows } = isPostgres
    ? await sql<{ to: string; columns: string }>`
        SELECT confrelid::regclass::text AS to, (
          SELECT string_agg(attname, ',' ORDER BY attname) FROM pg_attribute
          WHERE attrelid = conrelid AND attnum = ANY (conkey)
        ) AS columns
        FROM pg_constraint
        WHERE contype = 'f' AND confdeltype = 'c' AND conrelid = ${table}::regclass`.execute(
        database,
      )
    : await sql<{ to: string; columns: string }>`
        SELECT "table" AS "to", group_concat("from") AS columns FROM (
          SELECT * FROM pragma_foreign_key_list(${table}) ORDER BY id, "from"
        ) WHERE on_delete = 'CASCADE' GROUP BY id`.execute(database);
  const twin = about.find((column) => column !== 'home');
  const wanted = twin ? `twin:${['home', twin].sort().join()}` : 'home:home';
  return rows.some(({ to, columns }) => `${to}:${columns}` === wanted);
}

describe.each(STORES)('the store of identity on %s', (_store, makeDatabase) => {
  let place: { url: string } & AsyncDisposable;
  let database: IdentityDatabase;
  beforeEach(async () => {
    place = await makeDatabase();
    database = openIdentityDatabase(place.url);
  });
  afterEach(async () => {
    await database.destroy();
    await place[Symbol.asyncDispose]();
  });

  it('has no column about a home or a twin that a deletion would overlook', async () => {
    const tables = await database.introspection.getTables();
    const listed = new Map(
      Object.entries(HOLDINGS).map(([table, holding]) => [
        table.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
        holding,
      ]),
    );
    const overlooked: string[] = [];
    for (const { name, columns } of tables) {
      const has = new Set(columns.map((column) => column.name));
      const isAbout = ['home', 'twin', 'twins', 'rule'].filter((column) => has.has(column));
      const holding = listed.get(name);
      if (holding === undefined) {
        const isEngines = ENGINES.some((one) => name === one || name.startsWith(`${one}_p`));
        if (isAbout.length === 0 || isEngines) continue;
        // A feature’s: it goes with the row that it refers to
        if (!(await goesWithItsHome(database, name, isAbout))) {
          overlooked.push(`${name} is not in HOLDINGS, and does not go with its home or twin`);
        }
        continue;
      }
      if (holding === 'kept') continue;
      const known =
        holding === 'apart'
          ? []
          : ['home', ...[holding.twin, holding.twins].filter((one) => one !== undefined)];
      for (const column of isAbout) {
        if (!known.includes(column)) overlooked.push(`HOLDINGS does not know ${name}.${column}`);
      }
      for (const column of known) {
        if (!has.has(column)) overlooked.push(`there is no ${name}.${column}`);
      }
    }
    expect(overlooked).toEqual([]);
    expect([...listed.keys()].filter((name) => !tables.some((one) => one.name === name))).toEqual(
      [],
    );
  });

  it('tells a table that goes with its twin from one that goes with the home alone', async () => {
    const columns = 'home text REFERENCES home (id) ON DELETE CASCADE, twin text';
    await sql.raw(`CREATE TABLE stray (${columns})`).execute(database);
    const key = 'FOREIGN KEY (home, twin) REFERENCES twin (home, twin) ON DELETE CASCADE';
    await sql.raw(`CREATE TABLE held (home text, twin text, ${key})`).execute(database);
    const about = ['home', 'twin'];
    expect(await goesWithItsHome(database, 'stray', about)).toBe(false);
    expect(await goesWithItsHome(database, 'stray', ['home'])).toBe(true);
    expect(await goesWithItsHome(database, 'held', about)).toBe(true);
    expect(await goesWithItsHome(database, 'device_day', about)).toBe(true);
  });

  it('stores all of a transaction or nothing', async () => {
    const insert = (bucket: string) => ({ bucket, day: 1, count: 1 });
    const failed = atomically(database, async (writing) => {
      await writing.insertInto('dailyCount').values(insert('a')).execute();
      expect(await writing.selectFrom('dailyCount').selectAll().execute()).toHaveLength(1);
      throw new Error('killed');
    });
    await expect(failed).rejects.toThrow('killed');
    expect(await database.selectFrom('dailyCount').selectAll().execute()).toEqual([]);
    await atomically(database, async (writing) => {
      await writing.insertInto('dailyCount').values(insert('a')).execute();
      await writing.insertInto('dailyCount').values(insert('b')).execute();
    });
    expect(await database.selectFrom('dailyCount').selectAll().execute()).toHaveLength(2);
  });

  it('does not keep the engine waiting while a transaction stands still', async () => {
    await using storage = await openStorage(place.url, { deadLettersPerHome: 10 });
    await atomically(database, async (writing) => {
      await writing.insertInto('dailyCount').values({ bucket: 'a', day: 1, count: 1 }).execute();
      expect(await storage.insertHome(homeOf({ id: 'meanwhile' }))).toBe(true);
    });
    expect(await database.selectFrom('dailyCount').selectAll().execute()).toHaveLength(1);
  });

  it('counts no more than there may be, however many come at once', async () => {
    const limit = { bucket: 'letters', most: 7 };
    const counted = await Promise.all(
      Array.from({ length: 40 }, () =>
        atomically(database, (writing) => countDaily(writing, [limit], 0)),
      ),
    );
    expect(counted.filter((full) => full === null)).toHaveLength(7);
  });

  it('lets one of several who read the same and then write it go first', async () => {
    await database.insertInto('dailyCount').values({ bucket: 'a', day: 1, count: 0 }).execute();
    const add = () =>
      atomically(database, async (writing) => {
        await writing
          .updateTable('dailyCount')
          .set((row) => ({ day: row.ref('day') }))
          .where('bucket', '=', 'a')
          .execute();
        const { count } = await writing
          .selectFrom('dailyCount')
          .select('count')
          .where('bucket', '=', 'a')
          .executeTakeFirstOrThrow();
        await writing
          .updateTable('dailyCount')
          .set({ count: count + 1 })
          .execute();
      });
    await Promise.all(Array.from({ length: 8 }, add));
    const { count } = await database
      .selectFrom('dailyCount')
      .select('count')
      .executeTakeFirstOrThrow();
    expect(count).toBe(8);
  });

  it('leaves the process to others while a transaction is long', async () => {
    let turns = 0;
    let isLong = true;
    const others = () => {
      turns++;
      if (isLong) setImmediate(others);
    };
    setImmediate(others);
    await atomically(database, async (writing) => {
      for (let n = 0; n < 300; n++) {
        const row = { bucket: `b${n}`, day: 1, count: 1 };
        await writing.insertInto('dailyCount').values(row).execute();
      }
    });
    isLong = false;
    expect(turns).toBeGreaterThan(5);
  });

  it('knows that its rows belong to accounts that are there', async () => {
    const orphan = sql`INSERT INTO recovery_code (person, hash) VALUES ('nobody', 'x')`;
    await expect(orphan.execute(database)).rejects.toThrow(/foreign key/i);
  });
});

describe('what is remembered', () => {
  const clock = new ManualClock();
  const open = (most = 10) => new GenerationCache<string, string>({ name: 'test', clock, most });

  it('is not filled by a read that began before a change, which is repeated', async () => {
    const cache = open();
    let answer = (_: string) => {};
    const reads: Promise<string>[] = [];
    const read = () => {
      const reading = new Promise<string>((resolve) => {
        answer = resolve;
      });
      reads.push(reading);
      return reading;
    };
    const got = cache.get('ada', read);
    const first = answer;
    cache.forget('ada');
    first('admin');
    await expect.poll(() => reads.length).toBe(2);
    answer('nobody');
    expect(await got).toBe('nobody');
    expect(await cache.get('ada', read)).toBe('nobody');
    expect(reads).toHaveLength(2);
  });

  it('is read again after a minute, and when there is too much of it', async () => {
    const cache = open(2);
    let reads = 0;
    const get = (key: string) => cache.get(key, async () => String(++reads));
    expect([await get('a'), await get('a')]).toEqual(['1', '1']);
    clock.advance(60_000);
    expect(await get('a')).toBe('2');
    await get('b');
    await get('c');
    expect(cache.size).toBeLessThanOrEqual(2);
  });

  it('is not that there is nothing: strangers could ask for as much of it as they like', async () => {
    const cache = open();
    expect(await cache.get('none', async () => null)).toBeNull();
    expect(cache.size).toBe(0);
  });
});
