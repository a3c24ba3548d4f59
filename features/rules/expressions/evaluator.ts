/**
 * Evaluates the syntax tree of an expression, each step and each value that is made at the cost of a budget.
 * What it gives is what the library would give (differential.test.ts holds the two against each other).
 */
import type { ASTNode } from '@marcbachmann/cel-js';
import type { Budget } from './budget.ts';
import {
  arithmetic,
  call,
  constant,
  isSingle,
  NoValue,
  operate,
  operateOn,
  typeOf,
} from './cel.ts';
import { isMap } from './measures.ts';
import { includes, isEqual } from './sameness.ts';

/** What an evaluation goes by. */
export interface Frame {
  budget: Budget;
  /** Epoch ms. */
  now: number;
  /** Values of what the expression reads, by index; undefined: not there. */
  operands: readonly unknown[];
  /** Names that the expression itself gives. */
  names: Names | null;
}

interface Names {
  name: string;
  value: unknown;
  outer: Names | null;
}

export type Run = (frame: Frame) => unknown;

/** @param operandAt the index of a node that is read and not evaluated; undefined for any other */
export function compile(node: ASTNode, operandAt: (node: ASTNode) => number | undefined): Run {
  const into = (one: ASTNode) => compile(one, operandAt);
  const at = operandAt(node);
  if (at !== undefined) return operand(at);
  switch (node.op) {
    case 'value': {
      const value: unknown = node.args;
      return step(() => value);
    }
    case 'id':
      return named(node.args);
    case '.':
    case '[]': {
      const [owner, key] = node.args;
      const whole = into(owner);
      if (typeof key === 'string') return step((frame) => member(whole(frame), key));
      const which = into(key);
      return step((frame) => member(whole(frame), which(frame)));
    }
    case '?:': {
      const [condition, left, right] = node.args.map(into) as [Run, Run, Run];
      return step((frame) => {
        const is = condition(frame);
        if (typeof is !== 'boolean') {
          throw new NoValue(`Ternary condition must be bool, got '${typeOf(is)}'`);
        }
        return (is ? left : right)(frame);
      });
    }
    case '||':
    case '&&': {
      const [left, right] = node.args.map(into) as [Run, Run];
      return logical(node.op === '||', left, right);
    }
    case '!_':
    case '-_':
      return unary(node.op === '!_' ? '!' : '-', into(node.args));
    case 'list': {
      const members = node.args.map(into);
      return step((frame) =>
        madeList(
          members.map((one) => one(frame)),
          frame,
        ),
      );
    }
    case 'map': {
      const entries = node.args.map(([key, value]) => [into(key), into(value)] as const);
      return step((frame) => madeMap(entries, frame));
    }
    case 'call':
      return called(node.args[0], node.args[1], into);
    case 'rcall':
      return calledOn(node.args, into);
    case '.?':
    case '[?]':
      throw new NoValue(`"${node.op}" is not available`);
    default: {
      const [left, right] = node.args.map(into) as [Run, Run];
      return binary(node.op, left, right);
    }
  }
}

/** Each node costs a step. */
function step(run: Run): Run {
  return (frame) => {
    frame.budget.spend(1);
    return run(frame);
  };
}

function operand(at: number): Run {
  return step(({ operands }) => {
    const value = operands[at];
    if (value === undefined) throw new NoValue('it reads what is not there');
    return value;
  });
}

function named(name: string): Run {
  return step(({ names, now, budget }) => {
    for (let at = names; at; at = at.outer) if (at.name === name) return at.value;
    return name === 'now' ? new Date(now) : constant(name, budget);
  });
}

// ── members ──────────────────────────────────────────────────────────────────────────────────

function member(owner: unknown, key: unknown): unknown {
  if (Array.isArray(owner)) {
    const index = typeof key === 'bigint' ? Number(key) : key;
    if (typeof index !== 'number') throw new NoValue(`No such key: ${shown(key)}`);
    const value: unknown = owner[index];
    if (value !== undefined) return value;
    throw new NoValue(
      `No such key: index out of bounds, index ${index} ${index < 0 ? '< 0' : `>= size ${owner.length}`}`,
    );
  }
  const value = isMap(owner) ? entry(owner, key) : undefined;
  if (value === undefined) throw new NoValue(`No such key: ${shown(key)}`);
  return value;
}

function entry(map: Record<string, unknown>, key: unknown): unknown {
  if (!isSingle(key)) return undefined;
  const name = String(key);
  return Object.hasOwn(map, name) ? map[name] : undefined;
}

function shown(key: unknown): string {
  return isSingle(key) ? String(key) : typeOf(key);
}

// ── operators ────────────────────────────────────────────────────────────────────────────────

function unary(operator: '!' | '-', of: Run): Run {
  return step((frame) => {
    const value = of(frame);
    if (operator === '!' && typeof value === 'boolean') return !value;
    if (operator === '-' && (typeof value === 'number' || typeof value === 'bigint')) return -value;
    if (isSingle(value)) return operateOn(operator, value, frame.budget);
    throw new NoValue(`no such overload: ${operator}${typeOf(value)}`);
  });
}

/** One side decides alone where it can, whatever becomes of the other. */
function logical(decides: boolean, left: Run, right: Run): Run {
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

/** To fail costs the process more than anything else that an expression does. */
const FAILURE_STEPS = 100;

/** The value, or why there is none. */
function attempt(run: Run, frame: Frame): unknown {
  try {
    return run(frame);
  } catch (thrown) {
    if (!(thrown instanceof NoValue)) throw thrown;
    frame.budget.spend(FAILURE_STEPS);
    return thrown;
  }
}

const MAX_INT = 9_223_372_036_854_775_807n;

function binary(operator: string, left: Run, right: Run): Run {
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

function isNumber(value: unknown): value is number | bigint {
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

// ── lists and maps ───────────────────────────────────────────────────────────────────────────

function madeList(list: unknown[], { budget }: Frame): unknown[] {
  budget.made(list);
  return list;
}

function madeMap(entries: readonly (readonly [Run, Run])[], frame: Frame): unknown {
  const map: Record<string, unknown> = {};
  for (const [key, value] of entries) {
    const name = key(frame);
    if (!isNumber(name) && typeof name !== 'string' && typeof name !== 'boolean') {
      throw new NoValue(`a key of a map is a text, a number, true or false, not a ${typeOf(name)}`);
    }
    const text = String(name);
    const is = value(frame);
    // As the library has it: such names would mean something else to JavaScript
    if (text === '__proto__' || text === 'constructor' || text === 'prototype') continue;
    map[text] = is;
  }
  frame.budget.made(map);
  return map;
}

// ── functions ────────────────────────────────────────────────────────────────────────────────

function called(name: string, args: readonly ASTNode[], into: (node: ASTNode) => Run): Run {
  const [asked] = args;
  if (name === 'has' && args.length === 1 && asked) return presence(asked, into);
  const runs = args.map(into);
  return step((frame) => {
    const values = runs.map((run) => run(frame));
    const [first] = values;
    if (values.length === 1) {
      if (name === 'dyn') return first;
      if (name === 'size') return size(first, frame.budget);
      if (name === 'type' && !isSingle(first)) return constant(typeOf(first), frame.budget);
    }
    return made(call(name, null, values, frame.budget), frame.budget);
  });
}

/** `has(a.b.c)`: all but the last have to be there. */
function presence(asked: ASTNode, into: (node: ASTNode) => Run): Run {
  if (asked.op !== '.') return step(() => refuse('has() invalid argument'));
  const [owner, key] = asked.args;
  const whole = into(owner);
  return step((frame) => {
    const value = whole(frame);
    return isMap(value) && entry(value, key) !== undefined;
  });
}

function refuse(reason: string): never {
  throw new NoValue(reason);
}

function calledOn(
  [name, owner, args]: [string, ASTNode, ASTNode[]],
  into: (node: ASTNode) => Run,
): Run {
  const macro = OVER_LISTS[`${name}/${args.length}`];
  if (macro) return macro(into(owner), args, into);
  if (name === 'bind' && args.length === 3) return bind(args, into);
  const receiver = into(owner);
  const runs = args.map(into);
  return step((frame) => {
    const value = receiver(frame);
    const values = runs.map((run) => run(frame));
    if (name === 'size' && values.length === 0) return size(value, frame.budget);
    if (name === 'join' && Array.isArray(value) && values.length <= 1) {
      return join(value, values, frame.budget);
    }
    return made(call(name, { value }, values, frame.budget), frame.budget);
  });
}

/** What a function has made. */
function made(value: unknown, budget: Budget): unknown {
  if (typeof value === 'object' || typeof value === 'string') budget.made(value);
  return value;
}

function size(value: unknown, budget: Budget): unknown {
  if (Array.isArray(value)) return BigInt(value.length);
  if (isMap(value)) {
    const { length } = Object.keys(value);
    budget.spend(length);
    return BigInt(length);
  }
  if (typeof value === 'string') budget.spend(Math.ceil(value.length / 4));
  return call('size', null, [value], budget);
}

function join(list: readonly unknown[], [separator = '']: unknown[], budget: Budget): unknown {
  if (typeof separator !== 'string') {
    throw new NoValue(`found no matching overload for 'list.join(${typeOf(separator)})'`);
  }
  budget.spend(list.length);
  budget.make(separator.length * list.length);
  for (const one of list) {
    if (typeof one !== 'string') throw new NoValue('string.join(): list must contain only strings');
    budget.make(one.length);
  }
  const text = list.join(separator);
  budget.read(text.length);
  budget.made(text);
  return text;
}

/** `cel.bind(name, value, expression)`. */
function bind(args: readonly ASTNode[], into: (node: ASTNode) => Run): Run {
  const [variable, value, expression] = args as [ASTNode, ASTNode, ASTNode];
  const name = nameOf(variable);
  const [first, then] = [into(value), into(expression)];
  return step((frame) => then(naming(frame, name, first(frame))));
}

function nameOf(node: ASTNode): string {
  return node.op === 'id' ? node.args : refuse('invalid iteration variable');
}

function naming(frame: Frame, name: string, value: unknown): Frame {
  return { ...frame, names: { name, value, outer: frame.names } };
}

// ── over lists ───────────────────────────────────────────────────────────────────────────────

type OverList = (range: Run, args: readonly ASTNode[], into: (node: ASTNode) => Run) => Run;

const OVER_LISTS: Record<string, OverList> = {
  'all/2': quantifier(false, 'all'),
  'exists/2': quantifier(true, 'exists'),
  'exists_one/2': (range, args, into) => {
    const each = rounds(range, args, into);
    return step((frame) => {
      let count = 0;
      for (const { run, inner } of each(frame)) {
        if (truth(run(inner), 'exists_one(var, predicate) predicate must return bool')) count++;
      }
      return count === 1;
    });
  },
  'map/2': (range, args, into) => {
    const each = rounds(range, args, into);
    return step((frame) => collected(frame, each(frame), ({ run, inner }) => run(inner)));
  },
  'map/3': (range, [variable, filter, transform], into) => {
    const each = rounds(range, [variable as ASTNode, filter as ASTNode], into);
    const then = into(transform as ASTNode);
    const label = 'map(var, filter, transform) filter predicate must return bool';
    return step((frame) =>
      collected(frame, each(frame), ({ run, inner }) =>
        truth(run(inner), label) ? then(inner) : undefined,
      ),
    );
  },
  'filter/2': (range, args, into) => {
    const each = rounds(range, args, into);
    const label = 'filter(var, predicate) predicate must return bool';
    return step((frame) =>
      collected(frame, each(frame), ({ run, inner }) =>
        truth(run(inner), label) ? inner.names?.value : undefined,
      ),
    );
  },
};

interface Round {
  run: Run;
  inner: Frame;
}

/** The rounds of a comprehension, each at the cost of a step. */
function rounds(range: Run, args: readonly ASTNode[], into: (node: ASTNode) => Run) {
  const [variable, body] = args as [ASTNode, ASTNode];
  const name = nameOf(variable);
  const run = into(body);
  return function* (frame: Frame): Generator<Round, void> {
    const all = range(frame);
    const items = Array.isArray(all) ? (all as unknown[]) : keysOf(all, frame.budget);
    for (const item of items) {
      frame.budget.spend(1);
      yield { run, inner: naming(frame, name, item) };
    }
  };
}

function keysOf(value: unknown, budget: Budget): readonly string[] {
  if (!isMap(value)) {
    throw new NoValue(
      `Expression of type '${typeOf(value)}' cannot be range of a comprehension (must be list, map, or dynamic).`,
    );
  }
  const keys = Object.keys(value);
  budget.spend(keys.length);
  return keys;
}

/** A list of what each round gives, paid member by member: it ends when it costs too much, not after. */
function collected(
  { budget }: Frame,
  all: Iterable<Round>,
  of: (round: Round) => unknown,
): unknown[] {
  const list: unknown[] = [];
  for (const round of all) {
    const value = of(round);
    if (value === undefined) continue;
    budget.make(budget.measure(value).bytes + 1);
    list.push(value);
  }
  budget.measure(list);
  return list;
}

/** @param decides what the first round that says so decides */
function quantifier(decides: boolean, name: string): OverList {
  const label = `${name}(var, predicate) predicate must return bool`;
  return (range, args, into) => {
    const each = rounds(range, args, into);
    return step((frame) => {
      let failure: NoValue | null = null;
      for (const { run, inner } of each(frame)) {
        const is = attempt((one) => truth(run(one), label), inner);
        if (is instanceof NoValue) failure ??= is;
        else if (is === decides) return decides;
      }
      if (failure) throw failure;
      return !decides;
    });
  };
}

function truth(value: unknown, label: string): boolean {
  if (typeof value === 'boolean') return value;
  throw new NoValue(`${label}, got '${typeOf(value)}'`);
}
