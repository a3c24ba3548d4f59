import type { StartRow } from '../port.ts';
import { KEPT_STARTS } from '../starts.ts';
import type { Database } from './database.ts';

export async function beginStart(database: Database, id: string, at: number): Promise<StartRow[]> {
  const before = await database.query<StartRow>(
    { text: 'SELECT id, at, ended FROM engine_start ORDER BY seq DESC LIMIT $1' },
    [KEPT_STARTS],
  );
  await database.query({ text: 'INSERT INTO engine_start (id, at) VALUES ($1, $2)' }, [id, at]);
  await database.query(
    { text: 'DELETE FROM engine_start WHERE seq <= (SELECT max(seq) FROM engine_start) - $1' },
    [KEPT_STARTS],
  );
  return before;
}

export async function endStart(database: Database, id: string): Promise<void> {
  await database.query({ text: 'UPDATE engine_start SET ended = true WHERE id = $1' }, [id]);
}
