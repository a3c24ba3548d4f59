/**
 * What reads or gives rights, interleaved with what takes them, at every point where the first waits for the store,
 * on both stores. Whatever the order: who remembers answers as somebody who has just started does, and what was
 * taken is gone.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ManualClock } from '../engine/model/manual-clock.ts';
import { type Identity, openIdentityDatabase } from './index.ts';
import type { IdentityDatabase } from './store/open.ts';
import { GIVES, ONCE, type TakeName, takes } from './testing/audited-actions.ts';
import { makePostgres, openIdentity } from './testing/open-identity.ts';
import { Blockage, Pauses } from './testing/pauses.ts';
import {
  askAll,
  existence,
  gone,
  makeWorld,
  nothing,
  type SmallWorld,
} from './testing/small-world.ts';
import { Snapshot } from './testing/snapshot.ts';

/** Everything happens over one connection of one process: a file would only be slower. */
const STORES: [string, () => Promise<{ url: string } & AsyncDisposable>][] = [
  ['SQLite', async () => ({ url: 'sqlite::memory:', [Symbol.asyncDispose]: nothing })],
  ['PostgreSQL', makePostgres],
];

describe.each(STORES)('on %s', (_store, makeDatabase) => {
  let place: { url: string } & AsyncDisposable;
  let pauses: Pauses;
  let database: IdentityDatabase;
  let blockage: Blockage;
  let furnished: SmallWorld;
  let snapshot: Snapshot;
  const clock = new ManualClock();
  const letters: Record<string, unknown>[] = [];

  beforeAll(async () => {
    place = await makeDatabase();
    pauses = new Pauses();
    database = openIdentityDatabase(place.url, pauses.around);
    blockage = await Blockage.watch(place.url);
    furnished = await makeWorld(await start(), database, clock, letters);
    snapshot = await Snapshot.take(
      database,
      place.url.startsWith('postgres') ? 'postgres' : 'sqlite',
    );
  });
  afterAll(async () => {
    await blockage[Symbol.asyncDispose]();
    await database.destroy();
    await place[Symbol.asyncDispose]();
  });

  /** Somebody who has just started, and remembers nothing. */
  const start = () =>
    openIdentity(clock, {
      ...{ database, existence },
      write: (_to, _name, values) => letters.push(values),
    });
  const furnish = async () => {
    await snapshot.restore();
    gone.clear();
    return structuredClone(furnished);
  };

  /** Runs `first` up to a point, then all of `second` that can go on, then the rest. @returns null past the last point */
  async function interleave(
    point: number,
    first: () => Promise<unknown>,
    second: () => Promise<unknown>,
  ) {
    const standing = pauses.stopAfter(point);
    const one = first().then(
      (got) => ({ got }),
      (error: unknown) => ({ error }),
    );
    const isOver = await Promise.race([standing.then(() => false), one.then(() => true)]);
    if (isOver) {
      pauses.goOn();
      return null;
    }
    const other = second().then(
      (got) => ({ got }),
      (error: unknown) => ({ error }),
    );
    await blockage.settledOrBlocked(other);
    pauses.goOn();
    return { one: await one, other: await other };
  }

  async function eachPoint(run: (point: number) => Promise<{ isOver: boolean }>): Promise<number> {
    for (let point = 0; ; point++) if ((await run(point)).isOver) return point;
  }

  describe('no read that was under way remembers what was taken by who', () => {
    test.each(Object.entries(takes))(
      '%s',
      async (_name, take) => {
        const points = await eachPoint(async (point) => {
          const world = await furnish();
          const identity = await start();
          const both = await interleave(
            point,
            () => askAll(identity, world),
            () => take(identity, world, database),
          );
          if (!both) return { isOver: true };
          expect(both.other).not.toHaveProperty('error');
          expect(await askAll(identity, world)).toEqual(await askAll(await start(), world));
          return { isOver: false };
        });
        expect(points).toBeGreaterThan(10);
      },
      120_000,
    );
  });

  describe('nothing is left when the right to it is taken meanwhile', () => {
    const pairs = Object.entries(GIVES).flatMap(([name, giving]) =>
      giving.against.map((take) => ({ name, take, giving })),
    );
    test.each(pairs)(
      '$name, while somebody $take',
      async ({ giving, take }) => {
        const points = await eachPoint(async (point) => {
          const world = await furnish();
          const identity = await start();
          const both = await interleave(
            point,
            () => giving.does(identity, world, database),
            () => takes[take](identity, world, database),
          );
          if (!both) return { isOver: true };
          // Who gives may have been first, and what takes may then have nothing to take
          const taken = 'error' in both.other ? await retry(identity, world, take) : true;
          expect(taken).toBe(true);
          expect(await askAll(identity, world)).toEqual(await askAll(await start(), world));
          const got = 'got' in both.one ? both.one.got : undefined;
          const left = await giving.left({ identity, world, database, got });
          expect(Array.isArray(left) ? left : left ? [left] : []).toEqual([]);
          return { isOver: false };
        });
        expect(points).toBeGreaterThan(3);
      },
      120_000,
    );

    /** Refused, as the other one had the same code, say: what it asks for holds all the same, or can be had now. */
    async function retry(identity: Identity, world: SmallWorld, take: TakeName): Promise<boolean> {
      return await takes[take](identity, world, database).then(
        () => true,
        () => false,
      );
    }
  });

  describe('of two who come at once, one has', () => {
    test.each(Object.entries(ONCE))(
      '%s',
      async (_name, use) => {
        await eachPoint(async (point) => {
          const world = await furnish();
          const identity = await start();
          const deed = () => use(identity, world, database);
          const both = await interleave(point, deed, deed);
          if (!both) return { isOver: true };
          const had = [both.one, both.other].filter((outcome) => 'got' in outcome);
          expect(had).toHaveLength(1);
          return { isOver: false };
        });
      },
      120_000,
    );
  });
});

describe('what is remembered about rights', () => {
  /** Fields of `identity/` that hold several things, and are no cache of rows. */
  const NO_CACHES: Record<string, string> = {
    'devices/home-policies.ts #known': 'all rows, told by each change with its version',
    'gateways/gateways.ts #homes': 'all rows, told by each change with its version',
    'gateways/gateways.ts #byId': 'made of #homes in the same turn',
    'gateways/gateways.ts #speaking': 'made of #homes in the same turn',
    'people/throttle.ts #tries': 'counts, no rows',
    'providers/providers.ts #used': 'codes that were used; nothing reads them from the store',
    'providers/providers.ts #providers': 'configuration',
    'providers/providers.ts #appUrls': 'configuration',
    'sessions/access-tokens.ts #keys': 'configuration',
    'sessions/access-tokens.ts #verified': 'signatures; whether the session counts is asked apart',
    'sessions/sessions.ts #ended': 'only grows for as long as an access token lasts, and is told',
    'store/generation-cache.ts #entries': 'the cache itself',
    'store/generation-cache.ts #reads': 'the cache itself',
    'store/in-turn.ts #last': 'work that is under way',
    'changes.ts #listeners': 'listeners',
    'permissions.ts #rules': 'the table of actions, which is code',
  };

  test('is in the one cache whose reads are checked', () => {
    const folder = new URL('.', import.meta.url);
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
      (file) => /\.ts$/.test(file) && !/test\.ts$|\btesting\//.test(file),
    );
    const found = files.flatMap((file) => {
      const text = readFileSync(new URL(file, folder), 'utf8');
      const fields = text.matchAll(
        /^ {2}(?:readonly )?(#?\w+)(?::[^=\n]*)?(?: = new (?:Weak)?(?:Map|Set)\b|: (?:Readonly)?(?:Map|Set)<[^\n]*;$)/gm,
      );
      return [...fields].map(([, field]) => `${file} ${field}`);
    });
    expect(found.filter((field) => field.includes('#')).sort()).toEqual(
      Object.keys(NO_CACHES).sort(),
    );
  });
});
