import type { JournalRow } from '../../model/rows.ts';
import type { Query } from './database.ts';
import { PARTITION_LOCK } from './locks.ts';

const DAY_MS = 86_400_000;
const WEEK_MS = 7 * DAY_MS;
/** 1970-01-01 was a Thursday; weeks begin on Monday, UTC. */
const FIRST_MONDAY = 4 * DAY_MS;
const WEEKS_AHEAD = 4;

/** A partition of the journal: one week of `received_at`, from inclusive, to exclusive. */
export interface Partition {
  name: string;
  from: number;
  to: number;
}

export function weekOf(moment: number): Partition {
  const from = Math.floor((moment - FIRST_MONDAY) / WEEK_MS) * WEEK_MS + FIRST_MONDAY;
  const monday = new Date(from)
    .toISOString()
    .slice(0, -14)
    .replaceAll(/[^0-9]/g, '');
  return { name: `journal_${monday}`, from, to: from + WEEK_MS };
}

/** This week and the next ones: no commit has to wait for its partition. */
export function weeksAhead(now: number): Partition[] {
  return Array.from({ length: WEEKS_AHEAD + 1 }, (_, week) => weekOf(now + week * WEEK_MS));
}

export function weeksOf(rows: readonly JournalRow[]): Partition[] {
  const weeks = new Map<number, Partition>();
  for (const { receivedAt } of rows) {
    const week = weekOf(receivedAt);
    weeks.set(week.from, week);
  }
  return [...weeks.values()];
}

/**
 * Makes those that are missing. Each is made apart and then attached: making it in place would lock
 * the journal against reads and commits alike.
 */
export async function makePartitions(query: Query, wanted: readonly Partition[]): Promise<void> {
  await query({ text: 'SELECT pg_advisory_xact_lock($1)' }, [PARTITION_LOCK]);
  const existing = await listPartitions(query);
  for (const { name, from, to } of wanted) {
    if (existing.some((partition) => partition.from === from)) continue;
    await query({ text: `CREATE TABLE ${name} (LIKE journal INCLUDING ALL EXCLUDING INDEXES)` });
    await query({
      text: `ALTER TABLE journal ATTACH PARTITION ${name} FOR VALUES FROM (${from}) TO (${to})`,
    });
  }
}

export async function listPartitions(query: Query): Promise<Partition[]> {
  const rows = await query<{ name: string; bound: string }>({
    text: `SELECT partition.relname::text AS name, pg_get_expr(partition.relpartbound, partition.oid) AS bound
           FROM pg_inherits JOIN pg_class AS partition ON partition.oid = inhrelid
           WHERE inhparent = 'journal'::regclass`,
  });
  return rows.flatMap(({ name, bound }) => {
    const [, from, to] = /FROM \('?([^')]+)'?\) TO \('?([^')]+)'?\)/.exec(bound) ?? [];
    return from === undefined || to === undefined
      ? []
      : [{ name, from: Number(from), to: Number(to) }];
  });
}
