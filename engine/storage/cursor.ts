import { EngineError } from '../errors.ts';
import type { Page } from './port.ts';

/** What a cursor holds: the sort key of the page's last item. */
type Key = readonly (string | number)[];
type KindOf<K extends Key> = { [I in keyof K]: K[I] extends string ? 'string' : 'number' };

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
    kinds.every((kind, at) => typeof key[at] === kind);
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

/** Cuts rows that were read one beyond the limit into a page. */
export function toPage<T>(rows: readonly T[], limit: number, keyOf: (item: T) => Key): Page<T> {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  const nextCursor =
    rows.length > limit && last !== undefined
      ? Buffer.from(JSON.stringify(keyOf(last))).toString('base64url')
      : null;
  return { items, nextCursor };
}

function parse(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString());
  } catch {
    return undefined; // garbage is refused by the caller, like any other key that does not fit
  }
}
