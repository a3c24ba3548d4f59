/** The database is its owner's alone: it holds what happens in every home. */
import { chmodSync, closeSync, existsSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { EngineError, messageOf } from '../../model/errors.ts';

const OWNER_ONLY = { file: 0o600, folder: 0o700 };
/** What SQLite and the claim keep beside it. */
const SIBLINGS = ['', '-wal', '-shm', '-journal', '.lock'];

/**
 * Makes the file, so that SQLite gives what it puts beside it the same permissions, and takes back what a former
 * version or a copy gave others. A folder that is there already is its maker's, and stays as it is.
 * @throws EngineError `storage-unavailable`
 */
export function makePrivate(path: string): void {
  const folder = dirname(path);
  try {
    if (!existsSync(folder)) mkdirSync(folder, { recursive: true, mode: OWNER_ONLY.folder });
    closeSync(openSync(path, 'a', OWNER_ONLY.file));
    for (const sibling of SIBLINGS) {
      if (existsSync(path + sibling)) chmodSync(path + sibling, OWNER_ONLY.file);
    }
  } catch (cause) {
    throw new EngineError('storage-unavailable', `${path} cannot be made: ${messageOf(cause)}`, {
      cause,
      hint: 'Name a place in DATABASE_URL that this user may write to.',
    });
  }
}
