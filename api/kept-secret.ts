import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface KeptSecret {
  secret: string;
  /** Where it is kept; null when it was given by the environment. */
  file: string | null;
  /** Made just now: show it this once. */
  fresh: boolean;
}

/**
 * The given secret, or one that is made at the first start and kept in the data folder, readable by
 * its owner only.
 */
export function keptSecret(given: string | null, dataDir: string, name: string): KeptSecret {
  if (given !== null) return { secret: given, file: null, fresh: false };
  const file = join(dataDir, name);
  if (existsSync(file)) {
    return { secret: readFileSync(file, 'utf8').trim(), file, fresh: false };
  }
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const secret = randomBytes(24).toString('base64url');
  writeFileSync(file, `${secret}\n`, { mode: 0o600, flag: 'wx' });
  // The umask may have taken more than it should; it never gives
  chmodSync(file, 0o600);
  return { secret, file, fresh: true };
}
