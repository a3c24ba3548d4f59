import pg from 'pg';
import { expect, test } from 'vitest';
import type { EngineError } from '../../model/errors.ts';
import { createTestDatabase } from '../../testing/postgres.ts';
import { CONTRACT_OPTIONS } from '../contract/options.ts';
import { deliveryOf } from '../contract/sample-rows.ts';
import { openPostgres } from './open.ts';

const FLOWS = 4;
const BEFORE_TAKEOVER = 30;

/** The stores of two engines: the first has lost the connection with its claim, and its others go on. */
async function twoEngines() {
  const database = await createTestDatabase();
  const former = await openPostgres(database.url, CONTRACT_OPTIONS);
  const next = await openPostgres(database.url, CONTRACT_OPTIONS);
  const lease = await former.acquire('former', 1, 0);
  await lease[Symbol.asyncDispose]();
  return {
    ...{ url: database.url, former, epoch: lease.epoch, next },
    async [Symbol.asyncDispose]() {
      for (const one of [next, former, database]) await one[Symbol.asyncDispose]();
    },
  };
}

test('who takes over waits for what is being parked', async () => {
  await using pair = await twoEngines();
  const { url, former, epoch, next } = pair;
  await former.park(epoch, [deliveryOf({ id: 'old' })]);
  const [holder, watcher] = [0, 1].map(() => new pg.Client(url)) as [pg.Client, pg.Client];
  await Promise.all([holder.connect(), watcher.connect()]);
  const waiting = async () => {
    const { rows } = await watcher.query<{ count: string }>(
      `SELECT count(*) FROM pg_stat_activity
       WHERE datname = current_database() AND cardinality(pg_blocking_pids(pid)) > 0`,
    );
    return Number(rows[0]?.count);
  };
  // It has passed the fence, and stands still
  await holder.query('BEGIN');
  await holder.query(`SELECT FROM parked WHERE id = 'old' FOR UPDATE`);
  const parking = former.park(
    epoch,
    ['old', 'late'].map((id) => deliveryOf({ id })),
  );
  while ((await waiting()) < 1);
  let isAcquired = false;
  const acquiring = next.acquire('next', 1, 0).then(() => {
    isAcquired = true;
  });
  while (!isAcquired && (await waiting()) < 2);
  expect(isAcquired).toBe(false);
  await holder.query('COMMIT');
  await Promise.all([parking, acquiring]);
  const known = (await next.listParked(0, 10)).map(({ row }) => row.id);
  expect(known).toEqual(['old', 'late']);
  await Promise.all([holder.end(), watcher.end()]);
});

test('who takes over knows all that the one before has parked, and that one parks nothing more', async () => {
  await using pair = await twoEngines();
  const { former, epoch, next } = pair;
  const parked: string[] = [];
  let isUnderWay = () => {};
  const underWay = new Promise<void>((resolve) => {
    isUnderWay = resolve;
  });
  /** Parks one after the other until it is refused. */
  const flow = async (name: number): Promise<string> => {
    for (let n = 0; ; n++) {
      const id = `h/t@${name}#${n}`;
      try {
        await former.park(epoch, [deliveryOf({ id })]);
      } catch (error) {
        return (error as EngineError).code;
      }
      if (parked.push(id) === BEFORE_TAKEOVER) isUnderWay();
    }
  };
  const flows = Promise.all(Array.from({ length: FLOWS }, (_, name) => flow(name)));
  await underWay;
  await next.acquire('next', 1, 0);
  const known = (await next.listParked(0, 100_000)).map(({ row }) => row.id);
  expect(await flows).toEqual(Array.from({ length: FLOWS }, () => 'fenced'));
  expect(known.sort()).toEqual(parked.sort());
});
