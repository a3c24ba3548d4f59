import { expect, test } from 'vitest';
import type { EngineError } from '../../model/errors.ts';
import { createTestDatabase } from '../../testing/postgres.ts';
import { CONTRACT_OPTIONS } from '../contract/options.ts';
import { deliveryOf } from '../contract/sample-rows.ts';
import { openPostgres } from './open.ts';

const FLOWS = 4;
const BEFORE_TAKEOVER = 30;

test('who takes over knows all that the one before has parked, and that one parks nothing more', async () => {
  await using database = await createTestDatabase();
  await using former = await openPostgres(database.url, CONTRACT_OPTIONS);
  await using next = await openPostgres(database.url, CONTRACT_OPTIONS);
  const lease = await former.acquire('former', 1, 0);
  // As when the connection that holds the claim breaks: the others go on
  await lease[Symbol.asyncDispose]();
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
        await former.park(lease.epoch, [deliveryOf({ id })]);
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
