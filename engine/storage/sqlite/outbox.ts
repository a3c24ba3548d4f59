import type { OutboxRow } from '../../rows.ts';
import type { Settlement } from '../port.ts';
import { OUTBOX } from '../tables.ts';
import { type Connection, readRow } from './connection.ts';
import { keepDeadLetters } from './dead-letters.ts';

const DELETE = 'DELETE FROM outbox WHERE id = ?';
// the device may have answered before the sink did: an ack that is folded already stays
const MARK_SENT = `UPDATE intent SET sent_at = ?, attempts = ?,
  status = CASE status WHEN 'pending' THEN 'sent' ELSE status END WHERE id = ?`;

export function pendingDeliveries(
  connection: Connection,
  after: number,
  limit: number,
): { position: number; row: OutboxRow }[] {
  return connection
    .all(
      `SELECT position, ${OUTBOX.fields} FROM outbox WHERE position > ? ORDER BY position LIMIT ?`,
      after,
      limit,
    )
    .map((raw) => ({ position: Number(raw['position']), row: readRow(OUTBOX, raw) }));
}

export function settle(
  connection: Connection,
  settlements: readonly Settlement[],
  deadLettersPerHome: number,
): void {
  connection.transaction(() => {
    for (const settlement of settlements) {
      connection.run(DELETE, settlement.id);
      switch (settlement.outcome) {
        case 'delivered':
          connection.run(MARK_SENT, settlement.at, settlement.attempts, settlement.id);
          break;
        case 'dead':
          keepDeadLetters(connection, [settlement.letter], deadLettersPerHome);
          break;
        case 'dropped':
          break;
      }
    }
  });
}

export function postpone(
  connection: Connection,
  postponed: readonly { id: string; attempts: number; notBefore: number }[],
): void {
  connection.transaction(() => {
    for (const { id, attempts, notBefore } of postponed) {
      connection.run(
        'UPDATE outbox SET attempts = ?, not_before = ? WHERE id = ?',
        attempts,
        notBefore,
        id,
      );
      connection.run('UPDATE intent SET attempts = ? WHERE id = ?', attempts, id);
    }
  });
}

export function outboxStats(connection: Connection): { depth: number; oldestAt: number | null } {
  const stats = connection.get<{ depth: number; oldestAt: number | null }>(
    `SELECT count(*) AS "depth", min(created_at) AS "oldestAt" FROM outbox`,
  );
  return stats ?? { depth: 0, oldestAt: null };
}
