/** Equality of values, as CEL has it: 1 and 1.0 are the same, lists and maps are compared member by member. */
import type { Budget } from './budget.ts';
import { isSingle, NoValue, operate, typeOf } from './cel.ts';
import { isMap } from './measures.ts';

/** Each member that is compared costs a step. @throws BudgetExceeded */
export function isEqual(a: unknown, b: unknown, budget: Budget): boolean {
  budget.spend(1);
  if (typeof a === 'string' && typeof b === 'string') {
    budget.read(a.length === b.length ? a.length : 0);
    return a === b;
  }
  if (a === b) return true;
  // One is a whole number and the other is not
  if (typeof a === 'number' && typeof b === 'bigint') return a === Number(b);
  if (typeof a === 'bigint' && typeof b === 'number') return Number(a) === b;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) {
    return isUnsigned(a, b) ? operate('==', a, b, budget) === true : false;
  }
  if (Array.isArray(a)) {
    return (
      Array.isArray(b) && a.length === b.length && a.every((one, at) => isEqual(one, b[at], budget))
    );
  }
  if (isMap(a)) return isMap(b) && isEqualMap(a, b, budget);
  if (!isSingle(b) || typeOf(a) !== typeOf(b)) return false;
  if (a instanceof Uint8Array) budget.read(a.length);
  return operate('==', a, b, budget) === true;
}

function isUnsigned(a: unknown, b: unknown): boolean {
  return isSingle(a) && isSingle(b) && (typeOf(a) === 'uint' || typeOf(b) === 'uint');
}

function isEqualMap(
  a: Record<string, unknown>,
  b: Record<string, unknown>,
  budget: Budget,
): boolean {
  const keys = Object.keys(a);
  budget.spend(keys.length);
  if (keys.length !== Object.keys(b).length) return false;
  return keys.every((key) => Object.hasOwn(b, key) && isEqual(a[key], b[key], budget));
}

/** `a in b`. @throws NoValue, BudgetExceeded */
export function includes(value: unknown, all: unknown, budget: Budget): boolean {
  if (Array.isArray(all)) return all.some((one) => isEqual(value, one, budget));
  if (isMap(all)) return isSingle(value) && Object.hasOwn(all, String(value));
  throw new NoValue(`no such overload: ${typeOf(value)} in ${typeOf(all)}`);
}
