import { own } from './own.ts';

/** A value that survives JSON: what contexts, events and effects are made of. */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

/** Whether a value is data that JSON can hold. */
export function isJson(value: unknown): value is Json {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true;
    case 'number':
      return Number.isFinite(value);
    case 'object':
      if (value === null) return true;
      if (Array.isArray(value)) return value.every(isJson);
      for (const key in value) if (!isJson((value as Record<string, unknown>)[key])) return false;
      return true;
    default:
      return false;
  }
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && isJson(value);
}

/**
 * JSON text with object keys in sorted order and `undefined` members left out, so that two values
 * are equal exactly when their texts are (PostgreSQL's `jsonb` does not keep the order of keys).
 */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) => {
    if (member === null || typeof member !== 'object' || Array.isArray(member)) return member;
    const keys = Object.keys(member).sort();
    // Not by assignment, which would make no member of `__proto__`
    return Object.fromEntries(keys.map((key) => [key, (member as Record<string, unknown>)[key]]));
  });
}

/** Whether two values are the same data: equal where their {@link canonicalJson} is, but without making it. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) {
    return typeof a === 'number' && Number.isNaN(a) && typeof b === 'number' && Number.isNaN(b);
  }
  if (Array.isArray(a) || Array.isArray(b)) {
    return (
      Array.isArray(a) &&
      Array.isArray(b) &&
      a.length === b.length &&
      a.every((item, at) => sameJson(item, b[at]))
    );
  }
  return hasMembersOf(a, b) && hasMembersOf(b, a, true);
}

/** Whether what `a` has is the same in `b`; a member that is undefined counts as none. */
function hasMembersOf(a: object, b: object, onlyThatItIs = false): boolean {
  for (const key in a) {
    const value = (a as Record<string, unknown>)[key];
    if (value === undefined) continue;
    const other = own(b as Record<string, unknown>, key);
    if (other === undefined || (!onlyThatItIs && !sameJson(value, other))) return false;
  }
  return true;
}
