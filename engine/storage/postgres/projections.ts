import type { GenerationRow, ProjectedKey, ProjectedRow } from '../../model/rows.ts';
import { assertEpoch } from '../fence.ts';
import type { Owner, ProjectedQuery, ProjectionStep } from '../port.ts';
import { type Column, GENERATION, PROJECTED } from '../tables.ts';
import { columnsOf, rowsFrom } from './columns.ts';
import type { Database, Query, Statement } from './database.ts';

const KEY: Column[] = PROJECTED.columns.filter(({ name }) => name !== 'value');

export async function listGenerations(
  database: Database,
): Promise<{ generations: GenerationRow[]; head: number }> {
  const text = `SELECT ${GENERATION.fields} FROM projection ORDER BY name, generation`;
  const generations = await database.query<GenerationRow>({ name: 'list-generations', text });
  const [head] = await database.query<{ seq: number | null }>({
    name: 'log-head',
    text: 'SELECT max(seq) AS seq FROM writer',
  });
  return { generations, head: head?.seq ?? 0 };
}

const BEGIN = `INSERT INTO projection (name, generation, version, status, cursor, begun_at, skipped)
  SELECT $1, coalesce(max(generation), 0) + 1, $2::integer, 'building', 0, $3::float8, 0
  FROM projection WHERE name = $1
  ON CONFLICT DO NOTHING RETURNING generation`;

export async function beginGeneration(
  database: Database,
  name: string,
  version: number,
  at: number,
): Promise<number | null> {
  const begun = await database.query<{ generation: number }>({ text: BEGIN }, [name, version, at]);
  return begun[0]?.generation ?? null;
}

export async function endGeneration(
  database: Database,
  name: string,
  generation: number,
): Promise<void> {
  const text =
    "UPDATE projection SET status = 'ended' WHERE name = $1 AND generation = $2 AND status = 'building'";
  await database.query({ text }, [name, generation]);
}

export async function retireProjections(
  database: Database,
  except: readonly string[],
): Promise<void> {
  const text = `UPDATE projection SET status = CASE status WHEN 'building' THEN 'ended' ELSE 'retired' END
    WHERE status IN ('building', 'active') AND name <> ALL ($1::text[])`;
  await database.query({ text }, [except]);
}

export async function switchGeneration(
  database: Database,
  epoch: number,
  name: string,
  generation: number,
  at: number,
): Promise<boolean> {
  return await database.transaction(async (query) => {
    await mustBePresent(query, epoch);
    const is = `SELECT FROM projection
      WHERE name = $1 AND generation = $2 AND status = 'building' FOR UPDATE`;
    if ((await query({ text: is }, [name, generation])).length === 0) return false;
    const end =
      "UPDATE projection SET status = 'ended' WHERE name = $1 AND status IN ('active', 'retired')";
    await query({ text: end }, [name]);
    const begin =
      "UPDATE projection SET status = 'active', built_at = $3 WHERE name = $1 AND generation = $2";
    await query({ text: begin }, [name, generation, at]);
    return true;
  });
}

async function mustBePresent(query: Query, epoch: number): Promise<void> {
  const text = 'SELECT max(epoch) AS epoch FROM writer';
  const [found] = await query<{ epoch: number }>({ name: 'present-epoch', text });
  assertEpoch(epoch, found?.epoch);
}

/** One look into the primary key for each: as a join the planner would hold all keys against all rows of the generation. */
const READ: Statement = {
  name: 'read-projected',
  text: `SELECT found.* FROM ${rowsFrom(KEY, 3)} AS wanted CROSS JOIN LATERAL (
    SELECT ${PROJECTED.fields} FROM projection_row
    WHERE projection = $1 AND generation = $2::integer AND projection_row.home = wanted.home
      AND projection_row.twin = wanted.twin AND projection_row.key = wanted.key
    OFFSET 0) AS found`,
};
const OWNERS: Statement = {
  name: 'read-owners',
  text: `SELECT DISTINCT twin.home, twin.twin, incarnation FROM ${rowsFrom(KEY, 1)} AS wanted
      JOIN twin ON twin.home = wanted.home AND twin.twin = wanted.twin
    UNION SELECT home.id, '', incarnation FROM ${rowsFrom(KEY, 1)} AS wanted
      JOIN home ON home.id = wanted.home AND wanted.twin = ''`,
};

export async function readProjected(
  database: Database,
  name: string,
  generation: number,
  keys: readonly ProjectedKey[],
): Promise<{ rows: ProjectedRow[]; owners: Owner[] }> {
  if (keys.length === 0) return { rows: [], owners: [] };
  const columns = columnsOf(KEY, keys);
  const [rows, owners] = await Promise.all([
    database.query<ProjectedRow>(READ, [name, generation, ...columns]),
    database.query<Owner>(OWNERS, columns),
  ]);
  return { rows, owners };
}

const MOVE: Statement = {
  name: 'move-projection',
  text: `UPDATE projection SET cursor = $4::bigint, start = coalesce(start, $5::bigint),
      since = coalesce(since, $6::float8), applied_at = coalesce($7::float8, applied_at),
      skipped = skipped + $8::bigint, error = coalesce($9::text, error)
    WHERE name = $1 AND generation = $2::integer AND cursor = $3::bigint
      AND status IN ('building', 'active')
    RETURNING generation`,
};
/**
 * For deletions: from here on until their transaction ends no step is applied, and none is under way, as a step changes its
 * row of this table first. Locks of the owners' own rows would be written for each row, and commits update these all the time.
 */
export const HOLD_PROJECTIONS: Statement = {
  text: 'LOCK TABLE projection IN SHARE MODE',
};
const PUT: Statement = {
  name: 'put-projected',
  text: `INSERT INTO projection_row (projection, generation, ${PROJECTED.names})
    SELECT $1, $2::integer, ${PROJECTED.names} FROM ${rowsFrom(PROJECTED.columns, 3)} AS new
    ON CONFLICT (projection, generation, home, twin, key) DO UPDATE SET value = excluded.value`,
};
const DROP: Statement = {
  name: 'drop-projected',
  text: `DELETE FROM projection_row USING ${rowsFrom(KEY, 3)} AS gone
    WHERE projection = $1 AND generation = $2::integer AND projection_row.home = gone.home
      AND projection_row.twin = gone.twin AND projection_row.key = gone.key`,
};

export async function project(database: Database, step: ProjectionStep): Promise<boolean> {
  const { epoch, name, generation, from, to, puts, first, appliedAt, skipped, error } = step;
  const { start = null, since = null } = first ?? {};
  return await database.transaction(async (query) => {
    await mustBePresent(query, epoch);
    const moved = await query(MOVE, [
      ...[name, generation, from, to, start, since, appliedAt, skipped, error],
    ]);
    if (moved.length === 0) return false;
    if (puts.length === 0) return true;
    const owned = puts.filter(await ownersOf(query, puts));
    const gone = owned.filter(({ value }) => value === null);
    const kept = owned.filter(({ value }) => value !== null);
    if (gone.length > 0) await query(DROP, [name, generation, ...columnsOf(KEY, gone)]);
    if (kept.length > 0) {
      await query(PUT, [name, generation, ...columnsOf(PROJECTED.columns, kept)]);
    }
    return true;
  });
}

/** Who owns rows now, and until the transaction ends. @returns whether a row's owner is there */
async function ownersOf(
  query: Query,
  puts: ProjectionStep['puts'],
): Promise<(of: Owner) => boolean> {
  const found = await query<Owner>(OWNERS, columnsOf(KEY, puts));
  const there = new Map(found.map((one) => [`${one.home}/${one.twin}`, one.incarnation]));
  return ({ home, twin, incarnation }) => there.get(`${home}/${twin}`) === incarnation;
}

/** Skips what is locked: a deletion, which locks the same rows, must not wait for this one, nor this one for it. */
const DROP_ENDED = `DELETE FROM projection_row WHERE (projection, generation, home, twin, key) IN (
  SELECT projection, generation, home, twin, key FROM projection_row
  WHERE projection = $1 AND generation = $2 LIMIT $3 FOR UPDATE SKIP LOCKED)
  RETURNING generation`;
const END_ENDED = `DELETE FROM projection WHERE name = $1 AND generation = $2 AND NOT EXISTS (
  SELECT FROM projection_row WHERE projection = $1 AND generation = $2) RETURNING generation`;

export async function dropGenerations(database: Database, limit: number): Promise<number> {
  const text = "SELECT name, generation FROM projection WHERE status = 'ended' LIMIT 1";
  const [ended] = await database.query<{ name: string; generation: number }>({ text });
  if (!ended) return 0;
  const of = [ended.name, ended.generation];
  const rows = await database.query({ name: 'drop-ended', text: DROP_ENDED }, [...of, limit]);
  return rows.length > 0 ? rows.length : (await database.query({ text: END_ENDED }, of)).length;
}

const LIST = (twins: string) => `SELECT ${PROJECTED.fields} FROM projection_row
  WHERE projection = $1 AND home = $2 AND generation = (
      SELECT generation FROM projection WHERE name = $1 AND status IN ('active', 'retired'))
    AND (key, twin) > ($3, $4) AND ${twins} AND key >= $5 AND key < $6
  ORDER BY key, twin LIMIT $7`;
const LIST_ONE: Statement = { name: 'list-projected', text: LIST('twin = $8') };
const LIST_EACH: Statement = { name: 'list-projected-of-each', text: LIST("twin > ''") };

export async function listProjected(
  database: Database,
  { name, home, twin, from, to, after }: ProjectedQuery,
  limit: number,
): Promise<ProjectedRow[]> {
  const values = [name, home, after?.key ?? '', after?.twin ?? '', from, to, limit];
  return twin === null
    ? await database.query<ProjectedRow>(LIST_EACH, values)
    : await database.query<ProjectedRow>(LIST_ONE, [...values, twin]);
}
