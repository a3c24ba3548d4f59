import type { OnMigration } from '../migrations.ts';
import { Connection } from './connection.ts';
import { migrateSqlite } from './migrate.ts';

/**
 * The one connection of a storage, to a database that is up to date.
 * @throws EngineError `storage-unavailable`, `database-too-new`, `migration-failed`
 */
export function openConnection(path: string, onMigration: OnMigration): Connection {
  const db = new Connection(path);
  try {
    migrateSqlite(db, onMigration);
    return db;
  } catch (error) {
    db[Symbol.dispose]();
    throw error;
  }
}
