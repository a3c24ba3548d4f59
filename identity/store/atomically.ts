import type { Transaction } from 'kysely';
import { IdentityError } from '../errors.ts';
import type { IdentityDatabase } from './open.ts';
import type { Tables } from './tables.ts';
import { TransactionConflict } from './transaction-conflict.ts';

/** Takes part in somebody's transaction. */
export type Writing = Transaction<Tables>;

/** More in a row only happens when something is wrong. */
const MOST_TRIES = 20;

/**
 * Runs `work` in one transaction: all that it writes is stored, or nothing. What it reads must still be so when
 * it commits. PostgreSQL sees to that by locks: `work` first updates the row that its decision hangs on (the
 * person, the home), in the order person, home, everything else. SQLite compares, and runs `work` again.
 * @param work may run several times: it touches nothing but the transaction, and uses no other connection
 * @throws IdentityError `unavailable` when others change the same again and again, and whatever `work` throws
 */
export async function atomically<T>(
  database: IdentityDatabase,
  work: (writing: Writing) => Promise<T>,
): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await database.transaction().execute(work);
    } catch (error) {
      if (!(error instanceof TransactionConflict)) throw error;
      if (tries >= MOST_TRIES) {
        throw new IdentityError('unavailable', 'too much changes at the same time');
      }
    }
  }
}
