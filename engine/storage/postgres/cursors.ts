import type { Cursors } from '../port.ts';
import type { Database, Statement } from './database.ts';

/** The cursors of a writer with others: of each destination the greater one. @param told an expression; null: none */
export function merged(told: string): string {
  return `CASE WHEN ${told} IS NULL THEN writer.cursors ELSE (
      SELECT json_object_agg(key, value) FROM (
        SELECT key, max(value::bigint) AS value FROM (
          SELECT * FROM json_each_text(coalesce(writer.cursors, '{}'))
          UNION ALL SELECT * FROM json_each_text(${told})) AS one
        GROUP BY key) AS greater) END`;
}

const SAVE: Statement = {
  name: 'save-cursors',
  text: `UPDATE writer SET cursors = ${merged('new.cursors')}
    FROM unnest($2::integer[], $3::text[]::json[]) AS new(writer, cursors)
    WHERE shard = new.writer AND epoch = $1`,
};

export async function saveCursors(
  database: Database,
  epoch: number,
  cursors: ReadonlyMap<number, Cursors>,
): Promise<void> {
  if (cursors.size === 0) return;
  const texts = [...cursors.values()].map((one) => JSON.stringify(one));
  await database.query(SAVE, [epoch, [...cursors.keys()], texts]);
}
