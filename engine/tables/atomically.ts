import type { Kysely, Transaction } from 'kysely';
import type { MakeError } from './failures.ts';
import { TransactionConflict } from './transaction-conflict.ts';

/** More in a row only happens when something is wrong. */
const MAX_TRIES = 20;

/**
 * Runs `work` in one transaction: all that it writes is stored, or nothing. What it reads must still be so when
 * it commits. PostgreSQL sees to that by locks: `work` first updates the row that its decision hangs on (the
 * person, the home), in the order person, home, everything else. SQLite compares, and runs `work` again.
 * @param work may run several times: it touches nothing but the transaction, and uses no other connection
 * @param unavailable what is thrown when others change the same again and again @throws whatever `work` throws
 */
export async function atomically<T, R>(
  database: Kysely<T>,
  work: (writing: Transaction<T>) => Promise<R>,
  unavailable: MakeError,
): Promise<R> {
  for (let tries = 1; ; tries++) {
    try {
      return await database.transaction().execute(work);
    } catch (error) {
      if (!(error instanceof TransactionConflict)) throw error;
      if (tries >= MAX_TRIES) throw unavailable('too much changes at the same time');
    }
  }
}
