import { existsSync } from 'node:fs';
import { EngineError, sqlitePathOf } from '../../engine/index.ts';

/** The address as it may be printed: without its password. */
export function shownUrl(databaseUrl: string): string {
  return databaseUrl.replace(/:[^:@/]*@/, ':…@');
}

/** Commands that only read ask this first, since SQLite would make the file. @throws EngineError `not-found` */
export function assertIsThere(databaseUrl: string): void {
  const path = sqlitePathOf(databaseUrl);
  if (path === undefined || existsSync(path)) return;
  throw new EngineError('not-found', `there is no database ${path}`, {
    hint: 'DATABASE_URL names it, or DATA_DIR its folder: set what the server has.',
  });
}
