/** What twins want, as a scene sets it and sees it. */
import type { Facts, Json, Read } from '../../engine/kind.ts';

/** Desired values by twin and key; null: nothing is wanted. */
export type Wishes = Record<string, Record<string, Json>>;

/** What a scene has to know of its twins, and no more of them: it is journaled with each of its events. */
export function readsOf(entries: Wishes): Read[] {
  return Object.entries(entries).flatMap(([twin, values]) =>
    Object.entries(values).flatMap(([key, value]): Read[] => [
      { twin, path: ['desired', key] },
      ...(typeof value === 'number' ? [{ twin, path: ['reported', key] }] : []),
    ]),
  );
}

/** What a twin wants now; null: nothing. */
export function wishOf(facts: Facts, twin: string, key: string): Json {
  return memberOf(memberOf(memberOf(facts, twin), 'desired'), key) ?? null;
}

/** What it reports now; null: nothing. */
export function reportOf(facts: Facts, twin: string, key: string): Json {
  return memberOf(memberOf(memberOf(facts, twin), 'reported'), key) ?? null;
}

/** What the twins of these entries want now; those that are not there are left out. */
export function wishesNow(entries: Wishes, facts: Facts): Wishes {
  const wishes: Wishes = {};
  for (const [twin, values] of Object.entries(entries)) {
    if (!Object.hasOwn(facts, twin)) continue;
    wishes[twin] = Object.fromEntries(
      Object.keys(values).map((key) => [key, wishOf(facts, twin, key)]),
    );
  }
  return wishes;
}

/** The wishes with the others laid over them, value by value. */
export function overlaid(wishes: Wishes, others: Wishes): Wishes {
  const all = { ...wishes };
  for (const [twin, values] of Object.entries(others)) all[twin] = { ...all[twin], ...values };
  return all;
}

/** The values of the wishes that `test` lets pass; a twin without any is left out. */
export function filtered(
  wishes: Wishes,
  test: (twin: string, key: string, value: Json) => boolean,
): Wishes {
  const passed: Wishes = {};
  for (const [twin, values] of Object.entries(wishes)) {
    const some = Object.entries(values).filter(([key, value]) => test(twin, key, value));
    if (some.length > 0) passed[twin] = Object.fromEntries(some);
  }
  return passed;
}

/** Whether two values are the same, in whatever order a store has given back their members. */
export function isSame(a: Json, b: Json): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b;
  const keys = Object.keys(a);
  return (
    Array.isArray(a) === Array.isArray(b) &&
    keys.length === Object.keys(b).length &&
    keys.every((key) => {
      const [own, other] = [memberOf(a, key), memberOf(b, key)];
      return own !== undefined && other !== undefined && isSame(own, other);
    })
  );
}

function memberOf(value: Json | undefined, key: string): Json | undefined {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    ? (value as { [key: string]: Json })[key]
    : undefined;
}
