/* What keeps those who write at the same time from each other. */

/** Advisory locks, which PostgreSQL counts per database. The first bytes spell "homeo". */
const FAMILY = 0x686f6d656fn << 16n;

/** Held for the life of the engine that writes. */
export const WRITER_LOCK = String(FAMILY + 1n);
/** Held while migrations run. */
export const MIGRATION_LOCK = String(FAMILY + 2n);
/** Held while partitions are made or dropped. */
export const PARTITION_LOCK = String(FAMILY + 3n);

/**
 * Rows in the order in which they are to be locked: a commit and the ends of deliveries meet in intents and in the
 * outbox, and of two that lock the same rows in different orders the server undoes one, a second later.
 */
export function inLockOrder<Row extends { id: string }>(rows: readonly Row[]): Row[] {
  return rows.toSorted((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
}
