import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface AdminToken {
  token: string;
  /** Where it is kept; null when it was given by the environment. */
  file: string | null;
  /** Made just now: show it this once. */
  fresh: boolean;
}

/**
 * The administrator's bearer token: the given one, or one that is made at the first start and kept
 * in the data folder, readable by its owner only.
 */
export function adminToken(given: string | null, dataDir: string): AdminToken {
  if (given !== null) return { token: given, file: null, fresh: false };
  const file = join(dataDir, 'admin-token');
  if (existsSync(file)) {
    return { token: readFileSync(file, 'utf8').trim(), file, fresh: false };
  }
  mkdirSync(dataDir, { recursive: true });
  const token = randomBytes(24).toString('base64url');
  writeFileSync(file, `${token}\n`, { mode: 0o600, flag: 'wx' });
  // The umask may have taken more than it should; it never gives
  chmodSync(file, 0o600);
  return { token, file, fresh: true };
}
