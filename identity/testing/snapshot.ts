import { sql } from 'kysely';
import { HOLDINGS } from '../store/holdings.ts';
import type { IdentityDatabase } from '../store/open.ts';

/** Rows refer to rows that come later. */
const UNCHECKED = {
  sqlite: 'PRAGMA defer_foreign_keys = ON',
  postgres: 'SET LOCAL session_replication_role = replica',
};
/** Lets a row be written with the number that the store gave out by itself. */
const AS_IT_WAS = { sqlite: '', postgres: 'OVERRIDING SYSTEM VALUE' };
const TABLES = Object.keys(HOLDINGS).map((table) =>
  table.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
);

/** All rows of identity as they are now, kept beside them: to put them back is far cheaper than to make them again. */
export class Snapshot {
  readonly #database: IdentityDatabase;
  readonly #restoring: string[];

  private constructor(database: IdentityDatabase, restoring: string[]) {
    this.#database = database;
    this.#restoring = restoring;
  }

  static async take(database: IdentityDatabase, dialect: 'sqlite' | 'postgres'): Promise<Snapshot> {
    const restoring = [UNCHECKED[dialect], ...TABLES.map((table) => `DELETE FROM ${table}`)];
    for (const table of TABLES) {
      const copy = `CREATE TABLE snapshot_${table} AS SELECT * FROM ${table}`;
      await sql.raw(copy).execute(database);
      const any = await sql.raw(`SELECT 1 FROM ${table} LIMIT 1`).execute(database);
      if (any.rows.length === 0) continue;
      restoring.push(`INSERT INTO ${table} ${AS_IT_WAS[dialect]} SELECT * FROM snapshot_${table}`);
    }
    // One message to PostgreSQL; SQLite takes one statement at a time
    return new Snapshot(database, dialect === 'postgres' ? [restoring.join(';')] : restoring);
  }

  async restore(): Promise<void> {
    await this.#database.transaction().execute(async (transaction) => {
      for (const statement of this.#restoring) await sql.raw(statement).execute(transaction);
    });
  }
}
