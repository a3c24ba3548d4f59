import type pg from 'pg';
import { EngineError } from '../../model/errors.ts';
import {
  type AppliedMigration,
  migrationFailed,
  type OnMigration,
  pendingMigrations,
  readMigrations,
} from '../migrations.ts';
import { close, type Database, within } from './database.ts';
import { postgresFailure } from './failures.ts';
import { MIGRATION_LOCK } from './locks.ts';

const JOURNAL = `CREATE TABLE IF NOT EXISTS schema_migration (
  name text PRIMARY KEY,
  checksum text NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT now()
)`;

/** Brings the database up to date, under a lock: two engines may start at once. */
export async function migratePostgres(database: Database, onMigration: OnMigration): Promise<void> {
  const client = await database.connect();
  try {
    // must come first: what is applied may change until it is held
    await client.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
    await applyPending(client, onMigration);
  } catch (error) {
    throw postgresFailure(error);
  } finally {
    await close(client);
  }
}

async function applyPending(client: pg.Client, onMigration: OnMigration): Promise<void> {
  await client.query(JOURNAL);
  const applied = await client.query<AppliedMigration>(
    'SELECT name, checksum FROM schema_migration ORDER BY name',
  );
  for (const { name, checksum, sql } of pendingMigrations(
    readMigrations('postgres'),
    applied.rows,
  )) {
    if (applied.rows.length > 0) onMigration(name);
    try {
      await within(client, async () => {
        await client.query(sql);
        await client.query('INSERT INTO schema_migration (name, checksum) VALUES ($1, $2)', [
          name,
          checksum,
        ]);
      });
    } catch (error) {
      const failure = postgresFailure(error);
      throw failure instanceof EngineError ? failure : migrationFailed(name, error);
    }
  }
}
