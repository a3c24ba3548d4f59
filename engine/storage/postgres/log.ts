import type pg from 'pg';
import type { LogRow } from '../../model/rows.ts';
import { JOURNAL } from '../tables.ts';
import type { Database, Statement } from './database.ts';

/** The expression as the index has it, which serves no other. */
export const SEQ = 'coalesce(seq, ceil(received_at)::bigint)';

const ROWS = `SELECT ${JOURNAL.fields}, coalesce(writer, -1) AS writer, ${SEQ} AS seq FROM journal`;

export const READ: Statement = {
  name: 'read-log',
  text: `${ROWS} WHERE ${SEQ} > $1 AND ${SEQ} <= $2 ORDER BY ${SEQ}, home, twin, revision`,
};

/** The same where there may be more than are wanted. */
const READ_SOME: Statement = { name: 'read-log-slice', text: `${READ.text} LIMIT $3` };
/** How much wider the next range is at most where one held little. */
const WIDEST = 8;
/** Positions that may come before the index is brought up to date again. */
const MAX_UNINDEXED = 20_000;

/**
 * Brings the index over block ranges up to the last rows. The server does so by itself only when it vacuums; until then
 * every read of the log, wherever it reads, looks through all rows that came since (100,000 of them: 50 ms).
 */
export async function summarizeLog(client: pg.ClientBase): Promise<void> {
  await client.query(`SELECT brin_summarize_new_values(inhrelid) FROM pg_inherits
    WHERE inhparent = 'journal_log'::regclass`);
}

const REMOVED: Statement = {
  name: 'read-home-removed',
  text: 'SELECT removed_at_seq AS at FROM home WHERE id = $1',
};
/** What is appended keeps it to the index of positions: that of the home's turns leads through all of them. */
export const READ_HOME: Statement = {
  name: 'read-home-log',
  text: `${ROWS} WHERE ${SEQ} >= $2 AND ${SEQ} <= $3 AND home || '' = $1 ORDER BY ${SEQ}, home, twin, revision LIMIT $4`,
};

/** Reads the log, and keeps its index up with those who read it. */
export class LogReads {
  readonly #database: Database;
  /** The width of the range that a slice was read from last: the next one is about as dense. */
  #width: number | null = null;
  /** The position that was the last one when the index was brought up to date. */
  #indexed = 0;
  #indexing: Promise<void> | null = null;

  constructor(database: Database) {
    this.#database = database;
  }

  async read(after: number, upTo: number): Promise<LogRow[]> {
    this.#keepUp(upTo);
    return await this.#database.query<LogRow>(READ, [after, upTo]);
  }

  /**
   * The index finds the rows of a range, but not which are next: a range is made wider until it has half of what is
   * wanted, and narrower until it has no more. Rows from before there were positions lie far apart, or many in a place.
   */
  async slice(
    after: number,
    upTo: number,
    limit: number,
  ): Promise<{ rows: LogRow[]; upTo: number }> {
    this.#keepUp(upTo);
    // Who begins at the beginning reads all of it
    if (after === 0) await this.#indexing;
    return await this.#database.transaction(async (query) => {
      // For a few rows of many the planner would read another index from its beginning
      await query({ text: 'SET LOCAL enable_indexscan = off' });
      await query({ text: 'SET LOCAL enable_indexonlyscan = off' });
      let narrowed = false;
      for (let from = after, width = this.#width ?? limit; ; ) {
        const to = Math.min(from + width, upTo);
        const rows = await query<LogRow>(READ_SOME, [from, to, limit + 1]);
        const count = rows.length;
        if (count > 0) this.#width = width;
        if (count > limit && to - from > 1) {
          width = Math.ceil((to - from) / 2);
          narrowed = true;
        } else if (count > limit) {
          return { rows: await query<LogRow>(READ, [from, to]), upTo: to };
        } else if (to === upTo || count >= limit / 2 || (narrowed && count > 0)) {
          return { rows, upTo: to };
        } else {
          if (count === 0) from = to;
          if (!narrowed) width *= Math.min(WIDEST, Math.ceil(limit / Math.max(1, count)));
        }
      }
    });
  }

  async home(
    home: string,
    from: number,
    upTo: number,
    limit: number,
  ): Promise<{ rows: LogRow[]; removedAt: number }> {
    this.#keepUp(upTo);
    const rows = await this.#database.query<LogRow>(READ_HOME, [home, from, upTo, limit]);
    // Afterwards: what was removed before the rows were read shows
    const [removed] = await this.#database.query<{ at: number | null }>(REMOVED, [home]);
    return { rows, removedAt: removed?.at ?? 0 };
  }

  /** Nobody waits for it: it may have to wait for a vacuum. What fails is done again with a later read. */
  #keepUp(upTo: number): void {
    if (this.#indexing || upTo < this.#indexed + MAX_UNINDEXED) return;
    this.#indexing = this.#database
      .upkeep(summarizeLog)
      .then(
        () => {
          this.#indexed = upTo;
        },
        () => {},
      )
      .finally(() => {
        this.#indexing = null;
      });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#indexing;
  }
}
