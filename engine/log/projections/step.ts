/** Turns folded into rows of a projection, in memory. */
import { messageOf } from '../../model/errors.ts';
import { isJson, type Json } from '../../model/json.ts';
import { Pace } from '../../model/pace.ts';
import type { LogRow, ProjectedKey } from '../../model/rows.ts';
import type { ProjectionStep, Storage } from '../../storage/port.ts';
import { isWithinLevels, MAX_LEVELS, sizeOf } from '../../turn/state-size.ts';
import {
  MAX_KEY_LENGTH,
  MAX_KEYS,
  MAX_VALUE_BYTES,
  type Projection,
  type RowKey,
} from './projection.ts';

/** Events wait for so long at most, ms: it takes some µs a turn. A turn of a busy event loop takes longer than this. */
const AT_ONCE_MS = 10;

/** A turn that its projection cannot take. */
export interface LeftOut {
  turn: LogRow;
  error: string;
}

interface Touched {
  id: string;
  row: ProjectedKey;
  key: RowKey;
}

/**
 * What turns come to in the rows that they touch, as these are stored now. A turn that the definition throws on is left out
 * as a whole; rows without an owner are left out.
 */
export async function foldTurns(
  definition: Projection,
  turns: readonly LogRow[],
  read: (keys: ProjectedKey[]) => ReturnType<Storage['readProjected']>,
): Promise<{ puts: ProjectionStep['puts'][number][]; leftOut: LeftOut[] }> {
  const leftOut: LeftOut[] = [];
  const touched = new Map<LogRow, Touched[]>();
  const keys = new Map<string, ProjectedKey>();
  const pace = new Pace(AT_ONCE_MS);
  for (const turn of turns) {
    const others = pace.wait();
    if (others) await others;
    try {
      const rows = keysOf(definition, turn);
      touched.set(turn, rows);
      for (const { id, row } of rows) keys.set(id, row);
    } catch (error) {
      leftOut.push({ turn, error: messageOf(error) });
    }
  }
  if (keys.size === 0) return { puts: [], leftOut };
  const found = await read([...keys.values()]);
  const before = new Map(found.rows.map((row) => [idOf(row), frozen(row.value)]));
  const owners = new Map(
    found.owners.map(({ home, twin, incarnation }) => [`${home}/${twin}`, incarnation]),
  );
  const values =
    (await afterAll(definition, touched, before, pace)) ??
    (await afterEach(definition, touched, before, pace, leftOut));
  const puts = [...keys].flatMap(([id, row]) => {
    const value = values.get(id) ?? null;
    const incarnation = owners.get(`${row.home}/${row.twin}`);
    if (incarnation === undefined || value === (before.get(id) ?? null)) return [];
    return [{ ...row, value, incarnation }];
  });
  return { puts, leftOut };
}

type Values = Map<string, Json | null>;

/**
 * The values after all turns. What comes of them is looked at once, at the end.
 * @returns null where a turn, or what comes of all of them, cannot be taken: then each is looked at by itself
 */
async function afterAll(
  definition: Projection,
  touched: ReadonlyMap<LogRow, readonly Touched[]>,
  before: ReadonlyMap<string, Json>,
  pace: Pace,
): Promise<Values | null> {
  const values: Values = new Map(before);
  try {
    for (const [turn, rows] of touched) {
      const others = pace.wait();
      if (others) await others;
      for (const { id, key } of rows) {
        values.set(id, frozen(definition.apply(values.get(id) ?? null, turn, key)));
      }
    }
    for (const value of values.values()) assertStorable(value);
    return values;
  } catch {
    return null;
  }
}

/** The same where a turn may have to be left out. */
async function afterEach(
  definition: Projection,
  touched: ReadonlyMap<LogRow, readonly Touched[]>,
  before: ReadonlyMap<string, Json>,
  pace: Pace,
  leftOut: LeftOut[],
): Promise<Values> {
  const values: Values = new Map(before);
  for (const [turn, rows] of touched) {
    const others = pace.wait();
    if (others) await others;
    try {
      // All of them before any counts
      const next = rows.map(({ id, key }) => {
        const value = frozen(definition.apply(values.get(id) ?? null, turn, key));
        assertStorable(value);
        return [id, value] as const;
      });
      for (const [id, value] of next) values.set(id, value);
    } catch (error) {
      leftOut.push({ turn, error: messageOf(error) });
    }
  }
  return values;
}

function keysOf(definition: Projection, turn: LogRow): Touched[] {
  const keys = definition.keysOf(turn);
  if (keys.length > MAX_KEYS) throw new Error(`it has ${keys.length} keys, ${MAX_KEYS} at most`);
  return keys.map((key) => {
    if (key.key === '' || key.key.length > MAX_KEY_LENGTH) {
      throw new Error(`a key has 1 to ${MAX_KEY_LENGTH} characters, not ${key.key.length}`);
    }
    const row = { home: turn.home, twin: key.of === 'home' ? '' : turn.twin, key: key.key };
    return { id: idOf(row), row, key };
  });
}

/** Names have no spaces. */
function idOf({ home, twin, key }: ProjectedKey): string {
  return `${home}/${twin} ${key}`;
}

/** @throws Error for what cannot be stored */
function assertStorable(value: Json | null): void {
  if (!isWithinLevels(value, MAX_LEVELS) || !isJson(value)) {
    throw new Error('its value is no JSON, or nested too deep');
  }
  const bytes = sizeOf(value);
  if (bytes > MAX_VALUE_BYTES) {
    throw new Error(`its value has ${bytes} bytes, ${MAX_VALUE_BYTES} at most`);
  }
}

/** Whoever changes a value in place instead of replacing it fails, and is told. */
function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const member of Object.values(value)) frozen(member);
  return Object.freeze(value);
}
