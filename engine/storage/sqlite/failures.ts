import Database from 'better-sqlite3';
import { EngineError } from '../../model/errors.ts';

const UNAVAILABLE = /^SQLITE_(BUSY|LOCKED|IOERR|CANTOPEN|READONLY|PROTOCOL)/;

/** What a driver's error means to the engine: try later, or a bug, thrown as it came. */
export function sqliteFailure(thrown: unknown): unknown {
  if (!(thrown instanceof Database.SqliteError)) return thrown;
  if (thrown.code.startsWith('SQLITE_FULL')) {
    return new EngineError('storage-full', 'the disk of the database is full', {
      cause: thrown,
      hint: 'Free some space; the engine goes on by itself.',
    });
  }
  if (UNAVAILABLE.test(thrown.code)) {
    return new EngineError('storage-unavailable', `SQLite: ${thrown.message} (${thrown.code})`, {
      cause: thrown,
      hint: 'Look at the disk, the permissions of the file, and other programs that write to it.',
    });
  }
  return thrown;
}

export function isBusy(thrown: unknown): boolean {
  return thrown instanceof Database.SqliteError && thrown.code.startsWith('SQLITE_BUSY');
}
