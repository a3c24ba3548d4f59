import type { StartRow } from '../port.ts';
import { KEPT_STARTS } from '../starts.ts';
import type { Connection } from './connection.ts';

export function beginStart(connection: Connection, id: string, at: number): StartRow[] {
  return connection.transaction(() => {
    const before = connection.all(
      'SELECT id, at, ended FROM engine_start ORDER BY seq DESC LIMIT ?',
      KEPT_STARTS,
    ) as { id: string; at: number; ended: number }[];
    connection.run('INSERT INTO engine_start (id, at) VALUES (?, ?)', id, at);
    connection.run(
      'DELETE FROM engine_start WHERE seq <= (SELECT max(seq) FROM engine_start) - ?',
      KEPT_STARTS,
    );
    return before.map((row) => ({ ...row, ended: row.ended === 1 }));
  });
}

export function endStart(connection: Connection, id: string): void {
  connection.run('UPDATE engine_start SET ended = 1 WHERE id = ?', id);
}
