import { expect, test } from 'vitest';
import { createTestDatabase } from '../../testing/postgres.ts';
import { CONTRACT_OPTIONS } from '../contract/options.ts';
import { deliveryOf, NOW } from '../contract/sample-rows.ts';
import { Writer } from '../contract/subject.ts';
import { Database } from './database.ts';
import { openPostgres } from './open.ts';

const ROUNDS = 10;
const EACH = 150;

test('commits, parking and the ends of deliveries lock what they change in one order', async () => {
  await using database = await createTestDatabase();
  {
    await using storage = await openPostgres(database.url, CONTRACT_OPTIONS);
    const writer = await Writer.of(storage);
    for (let round = 0; round < ROUNDS; round++) {
      const rows = Array.from({ length: EACH }, (_, n) => ({
        id: `h/t${n}@${round}#0`,
        twin: `t${n}`,
      }));
      const backwards = rows.toReversed();
      await storage.park(
        writer.epoch,
        rows.map((row) => deliveryOf(row)),
      );
      await Promise.all([
        writer.write({ withdrawn: rows.map(({ id }) => id) }),
        storage.endDeliveries(
          writer.epoch,
          backwards.map(({ id }) => id),
          [],
        ),
        storage.park(
          writer.epoch,
          backwards.map((row) => deliveryOf({ ...row, attempts: 2, notBefore: NOW })),
        ),
      ]);
    }
  }
  // what a connection has counted is told when it ends
  await using server = new Database(database.url);
  const [counted] = await server.query<{ deadlocks: number }>({
    text: 'SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()',
  });
  expect(counted?.deadlocks).toBe(0);
});
