/** Advisory locks, which PostgreSQL counts per database. The first bytes spell "homeo". */
const FAMILY = 0x686f6d656fn << 16n;

/** Held for the life of the engine that writes. */
export const WRITER_LOCK = String(FAMILY + 1n);
/** Held while migrations run. */
export const MIGRATION_LOCK = String(FAMILY + 2n);
/** Held while partitions are made or dropped. */
export const PARTITION_LOCK = String(FAMILY + 3n);
