import { EngineError } from '../../model/errors.ts';
import {
  type AppliedMigration,
  type Migration,
  migrationFailed,
  type OnMigration,
  pendingMigrations,
  readMigrations,
} from '../migrations.ts';
import type { Connection } from './connection.ts';

const CREATE_LIST = `CREATE TABLE IF NOT EXISTS schema_migration (
  name TEXT PRIMARY KEY NOT NULL,
  checksum TEXT NOT NULL,
  applied_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
) STRICT`;
const HAS_LIST = `SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'schema_migration'`;
const APPLIED = 'SELECT name, checksum FROM schema_migration ORDER BY name';
const RECORD = 'INSERT INTO schema_migration (name, checksum) VALUES (?, ?)';

/** Brings the database up to date, each migration in a transaction of its own. */
export function migrateSqlite(connection: Connection, onMigration: OnMigration): void {
  const known = readMigrations('sqlite');
  const hadData = pending(connection, known).length < known.length;
  // a database that lacks nothing is opened without the write lock, which a busy engine holds
  while (pending(connection, known).length > 0) {
    connection.transaction(() => {
      connection.run(CREATE_LIST);
      // looks again under the lock: another process may have begun at the same moment
      const [next] = pending(connection, known);
      if (!next) return;
      if (hadData) onMigration(next.name);
      apply(connection, next);
    });
  }
}

function pending(connection: Connection, known: readonly Migration[]): Migration[] {
  const applied = connection.get(HAS_LIST) ? connection.all<AppliedMigration>(APPLIED) : [];
  return pendingMigrations(known, applied);
}

function apply(connection: Connection, { name, checksum, sql }: Migration): void {
  try {
    connection.execute(sql);
  } catch (error) {
    throw error instanceof EngineError ? error : migrationFailed(name, error);
  }
  connection.run(RECORD, name, checksum);
}
