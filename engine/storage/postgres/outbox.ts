import type { OutboxRow } from '../../rows.ts';
import type { Settlement } from '../port.ts';
import { type Column, DEAD_LETTER, OUTBOX } from '../tables.ts';
import { columnsOf, rowsFrom } from './columns.ts';
import type { Database, Statement } from './database.ts';
import { keptLetters } from './dead-letters.ts';
import { inLockOrder } from './locks.ts';

const PENDING: Statement = {
  name: 'pending-deliveries',
  text: `SELECT ${OUTBOX.fields}, position FROM outbox
         WHERE position > $1 ORDER BY position LIMIT $2`,
};

export async function pendingDeliveries(
  database: Database,
  after: number,
  limit: number,
): Promise<{ position: number; row: OutboxRow }[]> {
  const rows = await database.query<OutboxRow & { position: number }>(PENDING, [after, limit]);
  return rows.map(({ position, ...row }) => ({ position, row }));
}

const ENDED: Column[] = [
  { field: 'id', name: 'id', type: 'text' },
  { field: 'at', name: 'at', type: 'number' },
  { field: 'attempts', name: 'attempts', type: 'integer' },
];
// the order of the parts is a commit's: where both lock rows of both tables, they do so in one order
// the device may have answered before the sink did: an ack that is folded already stays
const END = `ended AS MATERIALIZED (SELECT * FROM ${rowsFrom(ENDED, 1)} AS ended),
  remove AS (DELETE FROM outbox USING ended WHERE outbox.id = ended.id),
  mark_sent AS (
    UPDATE intent SET sent_at = ended.at, attempts = ended.attempts,
      status = CASE intent.status WHEN 'pending' THEN 'sent' ELSE intent.status END
    FROM ended WHERE intent.id = ended.id AND ended.at IS NOT NULL)`;
const SETTLE: Statement = { name: 'settle', text: `WITH ${END} SELECT` };

export async function settle(
  database: Database,
  settlements: readonly Settlement[],
  deadLettersPerHome: number,
): Promise<void> {
  if (settlements.length === 0) return;
  const letters = settlements.flatMap((one) => (one.outcome === 'dead' ? [one.letter] : []));
  const ended = columnsOf(ENDED, inLockOrder(settlements));
  if (letters.length === 0) {
    await database.query(SETTLE, ended);
    return;
  }
  const kept = keptLetters(
    rowsFrom(DEAD_LETTER.columns, ENDED.length + 1),
    'true',
    deadLettersPerHome,
  );
  await database.query({ name: 'settle-dead', text: `WITH ${END},\n  ${kept} SELECT` }, [
    ...ended,
    ...columnsOf(DEAD_LETTER.columns, letters),
  ]);
}

const POSTPONED: Column[] = [
  { field: 'id', name: 'id', type: 'text' },
  { field: 'attempts', name: 'attempts', type: 'integer' },
  { field: 'notBefore', name: 'not_before', type: 'number' },
];
const POSTPONE: Statement = {
  name: 'postpone',
  text: `WITH postponed AS MATERIALIZED (SELECT * FROM ${rowsFrom(POSTPONED, 1)} AS postponed),
  put_off AS (
    UPDATE outbox SET attempts = postponed.attempts, not_before = postponed.not_before
    FROM postponed WHERE outbox.id = postponed.id)
  UPDATE intent SET attempts = postponed.attempts FROM postponed WHERE intent.id = postponed.id`,
};

export async function postpone(
  database: Database,
  postponed: readonly { id: string; attempts: number; notBefore: number }[],
): Promise<void> {
  if (postponed.length > 0)
    await database.query(POSTPONE, columnsOf(POSTPONED, inLockOrder(postponed)));
}

export async function outboxStats(
  database: Database,
): Promise<{ depth: number; oldestAt: number | null }> {
  const [stats] = await database.query<{ depth: number; oldestAt: number | null }>({
    text: 'SELECT count(*) AS "depth", min(created_at) AS "oldestAt" FROM outbox',
  });
  return stats ?? { depth: 0, oldestAt: null };
}
