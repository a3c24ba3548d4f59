import { readMigrations } from '../storage/migrations.ts';

const LISTS = {
  sqlite: 'CREATE TABLE schema_migration (name TEXT PRIMARY KEY, checksum TEXT)',
  postgres: 'CREATE TABLE schema_migration (name text PRIMARY KEY, checksum text)',
} as const;

/**
 * Gives an empty database the tables of a former version.
 * @param before the first migration that it does not have, such as `0009`
 */
export async function makeFormerSchema(
  dialect: 'sqlite' | 'postgres',
  before: string,
  execute: (sql: string) => Promise<void>,
): Promise<void> {
  await execute(LISTS[dialect]);
  for (const { name, sql, checksum } of readMigrations(dialect)) {
    if (name >= before) break;
    await execute(sql);
    await execute(
      `INSERT INTO schema_migration (name, checksum) VALUES ('${name}', '${checksum}')`,
    );
  }
}
