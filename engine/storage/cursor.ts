import { EngineError } from '../model/errors.ts';
import type { Page } from './port.ts';

/** What a cursor holds: the sort key of the page's last item. */
type Key = readonly (string | number)[];
/** `integer`: for a column that holds nothing else, and whose store refuses to compare it with anything else. */
type KindOf<K extends Key> = {
  [I in keyof K]: K[I] extends string ? 'string' : 'number' | 'integer';
};

/**
 * The key that a page begins after; null for the first page.
 * @throws EngineError `bad-input` for a text that no page has given out
 */
export function decodeCursor<K extends Key>(
  cursor: string | undefined,
  kinds: KindOf<K>,
): K | null {
  if (cursor === undefined) return null;
  const key = parse(cursor);
  const fits =
    Array.isArray(key) &&
    key.length === kinds.length &&
    kinds.every((kind, at) => isOf(kind, key[at]));
  if (!fits) {
    throw new EngineError(
      'bad-input',
      'the cursor is not one that a page of this list has given out',
      {
        hint: 'Pass the nextCursor of the former page unchanged, or none to begin again.',
      },
    );
  }
  return key as unknown as K;
}

function isOf(kind: 'string' | 'number' | 'integer', part: unknown): boolean {
  if (kind === 'integer') return Number.isSafeInteger(part);
  return typeof part === kind && isStorable(part);
}

/** The smallest number that PostgreSQL reads from a text: it refuses what is nearer to zero, and is not. */
const LEAST_NUMBER = 2.2250738585072014e-308;

function isStorable(part: unknown): boolean {
  if (typeof part !== 'number' || part === 0) return true;
  return Number.isFinite(part) && Math.abs(part) >= LEAST_NUMBER;
}

/**
 * What the rows of a page may hold together, in characters of their JSON: a row may have 256 KiB, and two hundred of
 * these keep the process for a third of a second.
 */
export const PAGE_CHARACTERS = 2 * 1024 * 1024;

/**
 * Cuts rows that were read one beyond the limit into a page. It ends before the limit where the rows are large; the
 * first one is always in it.
 */
export function toPage<T>(rows: readonly T[], limit: number, keyOf: (item: T) => Key): Page<T> {
  const items: T[] = [];
  for (let left = PAGE_CHARACTERS; items.length < Math.min(limit, rows.length); ) {
    const row = rows[items.length] as T;
    left = leftAfter(row, left);
    if (left < 0 && items.length > 0) break;
    items.push(row);
  }
  const last = items.at(-1);
  const nextCursor =
    rows.length > items.length && last !== undefined ? cursorOf(keyOf(last)) : null;
  return { items, nextCursor };
}

/** The cursor of a page that begins after a key. */
export function cursorOf(key: Key): string {
  return Buffer.from(JSON.stringify(key)).toString('base64url');
}

/** @returns `left` less about as many characters as the value has in JSON; negative as soon as that is known */
export function leftAfter(value: unknown, left: number): number {
  if (typeof value === 'string') return left - value.length - 2;
  if (typeof value !== 'object' || value === null) return left - 8;
  let rest = left - 2;
  for (const [key, member] of Object.entries(value)) {
    if (rest < 0) return rest;
    rest = leftAfter(member, rest - (Array.isArray(value) ? 1 : key.length + 4));
  }
  return rest;
}

function parse(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString());
  } catch {
    return undefined; // garbage is refused by the caller, like any other key that does not fit
  }
}
