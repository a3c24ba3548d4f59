import type { GenerationRow, ProjectedKey, ProjectedRow } from '../../model/rows.ts';
import { assertEpoch } from '../fence.ts';
import type { Owner, ProjectedQuery, ProjectionStep } from '../port.ts';
import { GENERATION, PROJECTED } from '../tables.ts';
import { type Connection, readRow } from './connection.ts';

const BEGIN = `INSERT INTO projection (name, generation, version, status, cursor, begun_at, skipped)
  SELECT @name, coalesce(max(generation), 0) + 1, @version, 'building', 0, @at, 0
  FROM projection WHERE name = @name
  ON CONFLICT DO NOTHING RETURNING generation AS "generation"`;
const MOVE = `UPDATE projection SET cursor = @to, start = coalesce(start, @start),
    since = coalesce(since, @since), applied_at = coalesce(@appliedAt, applied_at),
    skipped = skipped + @skipped, error = coalesce(@error, error)
  WHERE name = @name AND generation = @generation AND cursor = @from
    AND status IN ('building', 'active')`;
const PUT = `INSERT INTO projection_row (projection, generation, home, twin, key, value)
  VALUES (?, ?, ?, ?, ?, ?)
  ON CONFLICT (projection, generation, home, twin, key) DO UPDATE SET value = excluded.value`;
const ROW = 'projection = ? AND generation = ? AND home = ? AND twin = ? AND key = ?';
const EPOCH = 'SELECT max(epoch) AS "epoch" FROM writer';

export function listGenerations(connection: Connection): {
  generations: GenerationRow[];
  head: number;
} {
  const raws = connection.all(`SELECT ${GENERATION.fields} FROM projection ORDER BY 1, 2`);
  const head = connection.get('SELECT max(seq) AS "seq" FROM writer');
  return {
    generations: raws.map((raw) => readRow(GENERATION, raw)),
    head: Number(head?.['seq'] ?? 0),
  };
}

export function beginGeneration(
  connection: Connection,
  name: string,
  version: number,
  at: number,
): number | null {
  const begun = connection.get(BEGIN, { name, version, at });
  return begun ? Number(begun['generation']) : null;
}

export function endGeneration(connection: Connection, name: string, generation: number): void {
  const text =
    "UPDATE projection SET status = 'ended' WHERE name = ? AND generation = ? AND status = 'building'";
  connection.run(text, name, generation);
}

export function retireProjections(connection: Connection, except: readonly string[]): void {
  connection.transaction(() => {
    for (const { name, generation, status } of listGenerations(connection).generations) {
      if (except.includes(name)) continue;
      const after = { active: 'retired', building: 'ended', retired: 'retired', ended: 'ended' };
      connection.run(
        'UPDATE projection SET status = ? WHERE name = ? AND generation = ?',
        ...[after[status], name, generation],
      );
    }
  });
}

export function switchGeneration(
  connection: Connection,
  epoch: number,
  name: string,
  generation: number,
  at: number,
): boolean {
  return connection.transaction(() => {
    assertEpoch(epoch, connection.get<{ epoch: number }>(EPOCH)?.epoch);
    const is = connection.get(
      "SELECT 1 FROM projection WHERE name = ? AND generation = ? AND status = 'building'",
      ...[name, generation],
    );
    if (!is) return false;
    connection.run(
      "UPDATE projection SET status = 'ended' WHERE name = ? AND status IN ('active', 'retired')",
      name,
    );
    connection.run(
      "UPDATE projection SET status = 'active', built_at = ? WHERE name = ? AND generation = ?",
      ...[at, name, generation],
    );
    return true;
  });
}

export function readProjected(
  connection: Connection,
  name: string,
  generation: number,
  keys: readonly ProjectedKey[],
): { rows: ProjectedRow[]; owners: Owner[] } {
  const rows: ProjectedRow[] = [];
  const owners = new Map<string, Owner>();
  for (const { home, twin, key } of keys) {
    const raw = connection.get(
      `SELECT ${PROJECTED.fields} FROM projection_row WHERE ${ROW}`,
      ...[name, generation, home, twin, key],
    );
    if (raw) rows.push(readRow(PROJECTED, raw));
    const owner = `${home}/${twin}`;
    if (owners.has(owner)) continue;
    const incarnation = incarnationOf(connection, home, twin);
    if (incarnation !== null) owners.set(owner, { home, twin, incarnation });
  }
  return { rows, owners: [...owners.values()] };
}

function incarnationOf(connection: Connection, home: string, twin: string): string | null {
  const found =
    twin === ''
      ? connection.get('SELECT incarnation FROM home WHERE id = ?', home)
      : connection.get('SELECT incarnation FROM twin WHERE home = ? AND twin = ?', home, twin);
  return found ? String(found['incarnation']) : null;
}

export function project(connection: Connection, step: ProjectionStep): boolean {
  const { epoch, puts, first, ...move } = step;
  return connection.transaction(() => {
    assertEpoch(epoch, connection.get<{ epoch: number }>(EPOCH)?.epoch);
    const { start = null, since = null } = first ?? {};
    if (connection.run(MOVE, { ...move, start, since }) === 0) return false;
    const { name, generation } = step;
    for (const { home, twin, key, value, incarnation } of puts) {
      if (incarnationOf(connection, home, twin) !== incarnation) continue;
      const row = [name, generation, home, twin, key];
      if (value === null) connection.run(`DELETE FROM projection_row WHERE ${ROW}`, ...row);
      else connection.run(PUT, ...row, JSON.stringify(value));
    }
    return true;
  });
}

export function dropGenerations(connection: Connection, limit: number): number {
  return connection.transaction(() => {
    const ended = connection.get<{ name: string; generation: number }>(
      "SELECT name, generation FROM projection WHERE status = 'ended' LIMIT 1",
    );
    if (!ended) return 0;
    const { name, generation } = ended;
    const rows = connection.run(
      `DELETE FROM projection_row WHERE (projection, generation, home, twin, key) IN (
        SELECT projection, generation, home, twin, key FROM projection_row
        WHERE projection = ? AND generation = ? LIMIT ?)`,
      ...[name, generation, limit],
    );
    if (rows > 0) return rows;
    return connection.run(
      'DELETE FROM projection WHERE name = ? AND generation = ?',
      name,
      generation,
    );
  });
}

export function listProjected(
  connection: Connection,
  { name, home, twin, from, to, after }: ProjectedQuery,
  limit: number,
): ProjectedRow[] {
  const raws = connection.all(
    `SELECT ${PROJECTED.fields} FROM projection_row
     WHERE projection = @name AND home = @home AND generation = (
         SELECT generation FROM projection WHERE name = @name AND status IN ('active', 'retired'))
       AND (key, twin) > (@afterKey, @afterTwin)
       AND ${twin === null ? "twin > ''" : 'twin = @twin'} AND key >= @from AND key < @to
     ORDER BY key, twin LIMIT @limit`,
    {
      ...{ name, home, from, to, limit },
      ...{ afterTwin: after?.twin ?? '', afterKey: after?.key ?? '' },
      ...(twin !== null && { twin }),
    },
  );
  return raws.map((raw) => readRow(PROJECTED, raw));
}
