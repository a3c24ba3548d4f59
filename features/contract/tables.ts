/** Tables of a feature, made by its migration, beside those of the twins. */
import type { Kysely, Transaction } from 'kysely';

/** @template T the rows by table, in camelCase where the migration has snake_case */
export interface FeatureTables<T> {
  /** The database, for reading; a single statement may write, too. */
  readonly database: Kysely<T>;
  /**
   * Runs `work` in one transaction: all that it writes is stored, or nothing. Where it decides by what it reads, it first updates the
   * row that it decides by, so that nobody else changes it meanwhile. Where it counts rows, it keeps their number in a row, and
   * updates that first.
   * @param work may run several times: it touches nothing but the transaction
   * @throws EngineError `storage-unavailable`; `unknown-twin` where a row refers to a home or a twin that is gone; and whatever `work` throws
   */
  atomically<R>(work: (writing: Transaction<T>) => Promise<R>): Promise<R>;
}
