/** The operators of an expression. */
import type { Budget } from './budget.ts';
import { arithmetic, isSingle, NoValue, operate, operateOn, typeOf } from './cel.ts';
import { attempt, type Run, step } from './frame.ts';
import { includes, isEqual } from './sameness.ts';

export function unary(operator: '!' | '-', of: Run): Run {
  return step((frame) => {
    const value = of(frame);
    if (operator === '!' && typeof value === 'boolean') return !value;
    if (operator === '-' && (typeof value === 'number' || typeof value === 'bigint')) return -value;
    if (isSingle(value)) return operateOn(operator, value, frame.budget);
    throw new NoValue(`no such overload: ${operator}${typeOf(value)}`);
  });
}

/** One side decides alone where it can, whatever becomes of the other. */
export function logical(decides: boolean, left: Run, right: Run): Run {
  return step((frame) => {
    const first = attempt(left, frame);
    if (first === decides) return decides;
    const second = right(frame);
    if (second === decides) return decides;
    if (first instanceof NoValue) throw first;
    for (const value of [second, first]) {
      if (typeof value !== 'boolean') {
        throw new NoValue(`Logical operator requires bool operands, got '${typeOf(value)}'`);
      }
    }
    return !decides;
  });
}

const MAX_INT = 9_223_372_036_854_775_807n;

export function binary(operator: string, left: Run, right: Run): Run {
  switch (operator) {
    case '==':
      return step((frame) => isEqual(left(frame), right(frame), frame.budget));
    case '!=':
      return step((frame) => !isEqual(left(frame), right(frame), frame.budget));
    case 'in':
      return step((frame) => {
        const value = left(frame);
        const all = right(frame);
        return includes(value, all, frame.budget);
      });
    case '+':
      return step((frame) => sum(left(frame), right(frame), frame.budget));
    case '<':
    case '<=':
    case '>':
    case '>=':
      return step((frame) => {
        const a = left(frame);
        const b = right(frame);
        if (isNumber(a) && isNumber(b)) return ordered(operator, a, b);
        if (typeof a === 'string' && typeof b === 'string') {
          frame.budget.read(Math.min(a.length, b.length));
          return ordered(operator, a, b);
        }
        return both(operator, a, b, frame.budget);
      });
    default:
      return step((frame) => {
        const a = left(frame);
        const b = right(frame);
        if (typeof a === 'number' && typeof b === 'number') return arithmetic(operator, a, b);
        return both(operator, a, b, frame.budget);
      });
  }
}

export function isNumber(value: unknown): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint';
}

function ordered<T extends number | bigint | string>(operator: string, a: T, b: T): boolean {
  switch (operator) {
    case '<':
      return a < b;
    case '<=':
      return a <= b;
    case '>':
      return a > b;
    default:
      return a >= b;
  }
}

function both(operator: string, a: unknown, b: unknown, budget: Budget): unknown {
  if (isSingle(a) && isSingle(b)) return operate(operator, a, b, budget);
  throw new NoValue(`no such overload: ${typeOf(a)} ${operator} ${typeOf(b)}`);
}

function sum(a: unknown, b: unknown, budget: Budget): unknown {
  if (typeof a === 'number' && typeof b === 'number') return a + b;
  if (typeof a === 'bigint' && typeof b === 'bigint') {
    const total = a + b;
    return total <= MAX_INT && total >= -MAX_INT ? total : operate('+', a, b, budget);
  }
  if (typeof a === 'string' && typeof b === 'string') {
    budget.read(a.length + b.length);
    budget.make(budget.measure(a).bytes + budget.measure(b).bytes);
    return a + b;
  }
  if (Array.isArray(a) && Array.isArray(b)) {
    budget.spend(a.length + b.length);
    budget.make(budget.measure(a).bytes + budget.measure(b).bytes);
    return [...(a as unknown[]), ...(b as unknown[])];
  }
  if (a instanceof Uint8Array && b instanceof Uint8Array) budget.make(4 * (a.length + b.length));
  return both('+', a, b, budget);
}
