import { hash, verify } from '@node-rs/argon2';
import { IdentityError } from '../errors.ts';
import { Semaphore } from './semaphore.ts';

/** OWASP's first choice for Argon2id: 19 MiB, two passes, one lane. */
const COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;
export const SHORTEST_PASSWORD = 10;
/** Longer ones would only cost time. */
export const LONGEST_PASSWORD = 200;
/** Node has four threads for files, names and hashes together: a flood of people shall leave two of them. */
const semaphore = new Semaphore({ atOnce: 2, inLine: 16 });

/**
 * Argon2id, in a thread of its own.
 * @throws IdentityError `too-many-tries` when too many are hashed at this moment
 */
export async function hashPassword(password: string): Promise<string> {
  return await semaphore.pass(() => hash(password.normalize('NFKC'), COST));
}

let nobodys: Promise<string> | null = null;

/**
 * Takes as long for somebody who is not there, or has no password: else the time would tell.
 * @param stored null: there is nothing to compare with
 * @throws IdentityError `too-many-tries`, as {@link hashPassword}
 */
export async function isPassword(stored: string | null, password: string): Promise<boolean> {
  // Once, and past the semaphore: a refusal would be kept
  nobodys ??= hash('the password of nobody', COST);
  const given = password.normalize('NFKC');
  const compared = stored ?? (await nobodys);
  const is = await semaphore.pass(() => verify(compared, given));
  return is && stored !== null;
}

/** @throws IdentityError `bad-input`, with what is wrong with it */
export function assertPassword(password: string, email: string): void {
  const refuse = (message: string) => {
    throw new IdentityError('bad-input', message, {
      hint: `Take at least ${SHORTEST_PASSWORD} characters; several words are good.`,
    });
  };
  if (password.length < SHORTEST_PASSWORD) refuse('the password is too short');
  if (password.length > LONGEST_PASSWORD) refuse('the password is too long');
  if (new Set(password).size < 5) refuse('the password repeats itself');
  const [name = ''] = email.toLowerCase().split('@');
  if (name.length >= 4 && password.toLowerCase().includes(name)) {
    refuse('the password contains the e-mail address');
  }
}
