import { expect, test } from 'vitest';
import { createTestDatabase } from '../../testing/postgres.ts';
import { CONTRACT_OPTIONS } from '../contract/options.ts';
import { deliveryOf } from '../contract/sample-rows.ts';
import { openPostgres } from './open.ts';

const WRITES = 300;
const BEFORE_TAKEOVER = 30;

test('who takes over knows all that the one before has parked, and that one parks nothing more', async () => {
  await using database = await createTestDatabase();
  await using former = await openPostgres(database.url, CONTRACT_OPTIONS);
  await using next = await openPostgres(database.url, CONTRACT_OPTIONS);
  const lease = await former.acquire('former', 1, 0);
  // As when the connection that holds the claim breaks: the others go on
  await lease[Symbol.asyncDispose]();
  const ids = Array.from({ length: WRITES }, (_, n) => `h/t@${n}#0`);
  const parking = ids.map(async (id) => {
    await former.park(lease.epoch, [deliveryOf({ id })]);
    return id;
  });
  const settled = Promise.allSettled(parking);
  await Promise.all(parking.slice(0, BEFORE_TAKEOVER));
  await next.acquire('next', 1, 0);
  const known = new Set((await next.listParked(0, WRITES)).map(({ row }) => row.id));
  const outcomes = await settled;
  const parked = outcomes.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  expect(parked.filter((id) => !known.has(id))).toEqual([]);
  expect(known.size).toBe(parked.length);
  const refused = outcomes.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
  expect(refused.length).toBeGreaterThan(0);
  for (const reason of refused) expect(reason).toMatchObject({ code: 'fenced' });
});
