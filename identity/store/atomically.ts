import type { Transaction } from 'kysely';
import { atomically as inTransaction } from '../../engine/index.ts';
import { type IdentityDatabase, unavailable } from './open.ts';
import type { Tables } from './tables.ts';

/** Takes part in somebody's transaction. */
export type Writing = Transaction<Tables>;

/**
 * Runs `work` in one transaction: all that it writes is stored, or nothing; see the engine's. It first updates the row that its
 * decision hangs on, in the order person, home, everything else.
 * @param work may run several times: it touches nothing but the transaction, and uses no other connection
 * @throws IdentityError `unavailable` when others change the same again and again, and whatever `work` throws
 */
export function atomically<T>(
  database: IdentityDatabase,
  work: (writing: Writing) => Promise<T>,
): Promise<T> {
  return inTransaction(database, work, unavailable);
}
