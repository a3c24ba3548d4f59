/** Tables of a feature, made by its migration, beside those of the twins. */
import type { Kysely, Transaction } from 'kysely';

/** @template T the rows by table, in camelCase where the migration has snake_case */
export interface FeatureTables<T> {
  /** The database, for reading; a single statement may write, too. */
  readonly database: Kysely<T>;
  /**
   * Runs `work` in one transaction: all that it writes is stored, or nothing. What it reads must still be so when it commits: it
   * first updates the row that its decision hangs on.
   * @param work may run several times: it touches nothing but the transaction
   * @throws EngineError `storage-unavailable`, and whatever `work` throws
   */
  atomically<R>(work: (writing: Transaction<T>) => Promise<R>): Promise<R>;
}
