import { expect, test } from 'vitest';
import { Connection } from './connection.ts';
import { READ, READ_HOME } from './log.ts';
import { migrateSqlite } from './migrate.ts';

/** The expression of a position stands in the migration and in the statements: SQLite compares their text. */
test.each([
  ['the log', READ, [0, 1_000]],
  ['the log of a home', READ_HOME, [0, 1_000, 'h', 10]],
] as const)('%s is read by the index of positions', (_, sql, values) => {
  using connection = new Connection(':memory:');
  migrateSqlite(connection, () => {});
  const plan = connection.all<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql}`, ...values);
  expect(plan.map(({ detail }) => detail)).toEqual([
    'SEARCH journal USING INDEX journal_log (<expr>>? AND <expr><?)',
  ]);
});
