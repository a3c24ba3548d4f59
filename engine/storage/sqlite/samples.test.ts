import { expect, test } from 'vitest';
import { Connection } from './connection.ts';
import { migrateSqlite } from './migrate.ts';
import { SAMPLES, TARDY, TARDY_END } from './samples.ts';

/** A sort would look at all of them before it gives the first. */
test('what came in late is read in the order of its index, the rest by revisions', () => {
  using connection = new Connection(':memory:');
  migrateSqlite(connection, () => {});
  const plan = (sql: string) => {
    const names = [...sql.matchAll(/@(\w+)/g)].map(([, name]) => [name, 0]);
    return connection
      .all<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql}`, Object.fromEntries(names))
      .map(({ detail }) => detail);
  };
  const tardy = 'journal_tardy (home=? AND twin=? AND at>? AND at<?)';
  expect(plan(TARDY_END)).toEqual([expect.stringContaining(tardy)]);
  expect(plan(TARDY)).toEqual([expect.stringContaining(tardy)]);
  const prompt = '(home=? AND twin=? AND revision>? AND revision<?)';
  expect(plan(SAMPLES)).toContainEqual(expect.stringContaining(prompt));
});
