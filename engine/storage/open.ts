import { EngineError } from '../model/errors.ts';
import type { OnMigration } from './migrations.ts';
import type { Storage, StorageOptions } from './port.ts';
import { openPostgres } from './postgres/open.ts';
import { openSqlite } from './sqlite/open.ts';

/**
 * Opens the storage that a URL names, and brings it up to date: `sqlite:<path>`, `sqlite::memory:`
 * or `postgres://…`.
 * @param onMigration called before each migration of a database that holds data: a large one may take minutes
 * @throws EngineError `bad-input` for any other URL, `database-too-new`, `migration-failed`,
 * `storage-unavailable`
 */
export async function openStorage(
  url: string,
  options: StorageOptions,
  onMigration: OnMigration = () => {},
): Promise<Storage> {
  if (/^postgres(ql)?:\/\//.test(url)) return openPostgres(url, options, onMigration);
  const path = sqlitePathOf(url);
  if (path) return openSqlite(path, options, onMigration);
  throw new EngineError('bad-input', `"${withoutPassword(url)}" does not name a database`, {
    hint: 'Use sqlite:./data/homeostat.db or postgres://user:password@host:5432/database.',
  });
}

function withoutPassword(url: string): string {
  return url.replace(/:[^:@/]*@/, ':…@');
}

/** The path in `sqlite:<path>`; undefined: it is no address of SQLite. */
export function sqlitePathOf(url: string): string | undefined {
  return /^sqlite:(?:\/\/)?(.+)$/s.exec(url)?.[1];
}
