import type { Json } from '../../../engine/kind.ts';

/** Whether two values are the same, in whatever order a store has given back their members. */
export function isSame(a: Json | undefined, b: Json | undefined): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length &&
    keys.every(
      (key) =>
        Object.hasOwn(b, key) && isSame((a as never)[key] as Json, (b as never)[key] as Json),
    )
  );
}
