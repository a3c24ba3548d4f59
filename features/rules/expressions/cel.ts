/**
 * What is used of the CEL library: its parser, its type check, and its functions over single values (numbers,
 * texts, moments, durations, bytes). Lists, maps and everything that goes on for long is evaluated here
 * (see evaluator.ts), where it is counted.
 */
import { type ASTNode, Environment, EvaluationError, ParseError } from '@marcbachmann/cel-js';
import type { Budget } from './budget.ts';
import { isMap } from './measures.ts';

const LIMITS = {
  maxAstNodes: 500,
  maxDepth: 32,
  maxListElements: 200,
  maxMapEntries: 50,
  maxCallArguments: 8,
};

export const BASE = new Environment({ homogeneousAggregateLiterals: false, limits: LIMITS });
for (const operator of ['+', '-', '*', '/', '%']) {
  const run = (a: number, b: number) => arithmetic(operator, a, b);
  BASE.registerOperator(`double ${operator} int`, (a: number, b: bigint) => run(a, Number(b)));
  BASE.registerOperator(`int ${operator} double`, (a: bigint, b: number) => run(Number(a), b));
}
BASE.registerOperator('double % double', (a: number, b: number) => a % b);
BASE.registerOperator('double == int', (a: number, b: bigint) => a === Number(b));
BASE.registerFunction('min(dyn, dyn): double', (a: unknown, b: unknown) =>
  Math.min(Number(a), Number(b)),
);
BASE.registerFunction('max(dyn, dyn): double', (a: unknown, b: unknown) =>
  Math.max(Number(a), Number(b)),
);
BASE.registerFunction('abs(dyn): double', (a: unknown) => Math.abs(Number(a)));
BASE.registerFunction('round(dyn): double', (a: unknown) => Math.round(Number(a)));
BASE.registerFunction('floor(dyn): double', (a: unknown) => Math.floor(Number(a)));
BASE.registerFunction('ceil(dyn): double', (a: unknown) => Math.ceil(Number(a)));
BASE.registerVariable('now', 'google.protobuf.Timestamp');

export function arithmetic(operator: string, a: number, b: number): number {
  switch (operator) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '/':
      return a / b;
    default:
      return a % b;
  }
}

/** An expression has no value: of what it reads or is given, something is not as it takes it. */
export class NoValue extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'NoValue';
  }
}

export function summaryOf(thrown: unknown): string {
  if (thrown instanceof ParseError || thrown instanceof EvaluationError) return thrown.summary;
  if (thrown instanceof Error) return 'summary' in thrown ? String(thrown.summary) : thrown.message;
  return String(thrown);
}

// ── single values ────────────────────────────────────────────────────────────────────────────

const NAMES = ['a', 'b', 'c', 'd'] as const;
const SINGLES = BASE.clone();
for (const name of NAMES) SINGLES.registerVariable(name, 'dyn');

type Program = (context: Record<string, unknown>) => unknown;
const programs = new Map<string, Program>();
/** Functions that the library has, as `name/arguments` and `.name/arguments`. */
const KNOWN = new Set(
  BASE.getDefinitions().functions.map(
    ({ name, receiverType, params }) =>
      `${receiverType === null ? '' : '.'}${name}/${params.length}`,
  ),
);

/** What going through the library costs, as seen beside a step of the evaluator. */
const LIBRARY_STEPS = 10;

/** An operator over single values. @throws NoValue, BudgetExceeded */
export function operate(operator: string, a: unknown, b: unknown, budget: Budget): unknown {
  budget.spend(LIBRARY_STEPS);
  return run(`a ${operator} b`, [a, b]);
}

/** `-a` or `!a`. @throws NoValue, BudgetExceeded */
export function operateOn(operator: string, a: unknown, budget: Budget): unknown {
  budget.spend(LIBRARY_STEPS);
  return run(`${operator}a`, [a]);
}

/** The value of a name that the library gives a meaning, such as `int`. @throws NoValue, BudgetExceeded */
export function constant(name: string, budget: Budget): unknown {
  budget.spend(LIBRARY_STEPS);
  if (!BASE.hasVariable(name) || name === 'now') throw new NoValue(`Unknown variable: ${name}`);
  return run(name, []);
}

/**
 * A function over single values; what it looks at and what it makes is paid before.
 * @throws NoValue, BudgetExceeded
 */
export function call(
  name: string,
  receiver: { value: unknown } | null,
  given: readonly unknown[],
  budget: Budget,
): unknown {
  const all = receiver ? [receiver.value, ...given] : given;
  const isKnown = KNOWN.has(`${receiver ? '.' : ''}${name}/${given.length}`);
  if (!isKnown || all.length > NAMES.length || all.some((one) => !isSingle(one))) {
    throw new NoValue(noFunction(name, receiver, given));
  }
  pay(name, all, budget);
  const args = NAMES.slice(receiver ? 1 : 0, all.length).join(', ');
  return run(receiver ? `a.${name}(${args})` : `${name}(${args})`, all);
}

/** What a function costs beyond its arguments. */
function pay(name: string, all: readonly unknown[], budget: Budget): void {
  const [first = 0, second = 0] = all.map(lengthOf);
  budget.spend(LIBRARY_STEPS);
  budget.read(all.reduce<number>((sum, one) => sum + lengthOf(one), 0));
  switch (name) {
    case 'contains':
    case 'indexOf':
    case 'lastIndexOf':
    case 'split':
      // At worst each character is compared with each
      budget.spend(Math.ceil((first * second) / COMPARISONS_A_STEP));
      if (name !== 'split') return;
      // A list of at most so many texts
      budget.spend(Math.ceil(first / Math.max(1, second)));
      budget.make(3 * Math.ceil(first / Math.max(1, second)));
      return;
    case 'json':
    case 'hex':
    case 'base64':
    case 'bytes':
    case 'string':
      budget.make(2 * first);
      budget.spend(Math.ceil(first / 4));
      return;
    case 'timestamp':
    case 'duration':
    case 'int':
    case 'uint':
    case 'double':
      // How long reading takes grows with the square of the length, or worse
      if (first > MAX_READ) throw new NoValue(`${name}() takes at most ${MAX_READ} characters`);
      return;
    default:
      // A name of a timezone is looked up anew each time
      if (name.startsWith('get') && all.length > 1) {
        if (second > MAX_READ) throw new NoValue(`${name}() takes the name of a timezone`);
        budget.spend(TIMEZONE_STEPS);
      }
  }
}

const COMPARISONS_A_STEP = 128;
const MAX_READ = 64;
const TIMEZONE_STEPS = 1_000;

function lengthOf(value: unknown): number {
  return typeof value === 'string' || value instanceof Uint8Array ? value.length : 0;
}

function run(text: string, values: readonly unknown[]): unknown {
  let program = programs.get(text);
  if (!program) {
    program = SINGLES.parse(text);
    programs.set(text, program);
  }
  const context: Record<string, unknown> = {};
  for (const [at, value] of values.entries()) context[NAMES[at] as string] = value;
  try {
    return program(context);
  } catch (thrown) {
    throw new NoValue(summaryOf(thrown));
  }
}

/** Neither a list nor a map. */
export function isSingle(value: unknown): boolean {
  return !Array.isArray(value) && !isMap(value);
}

/** The library's own classes, which it does not export to TypeScript. */
const isDuration = classOf('duration("1s")');
const isUnsignedInt = classOf('1u');

function classOf(text: string) {
  const own = (SINGLES.evaluate(text) as object).constructor;
  return (value: object) => value.constructor === own;
}

// ── types ────────────────────────────────────────────────────────────────────────────────────

function noFunction(
  name: string,
  receiver: { value: unknown } | null,
  given: readonly unknown[],
): string {
  const types = given.map(typeOf).join(', ');
  const owner = receiver ? `${typeOf(receiver.value)}.` : '';
  return `found no matching overload for '${owner}${name}(${types})'`;
}

/** What a value is, in CEL's words. */
export function typeOf(value: unknown): string {
  if (value === null) return 'null';
  switch (typeof value) {
    case 'string':
      return 'string';
    case 'bigint':
      return 'int';
    case 'number':
      return 'double';
    case 'boolean':
      return 'bool';
    default:
      if (Array.isArray(value)) return 'list';
      if (isMap(value)) return 'map';
      if (value instanceof Date) return 'google.protobuf.Timestamp';
      if (isUnsignedInt(value as object)) return 'uint';
      if (isDuration(value as object)) return 'google.protobuf.Duration';
      return value instanceof Uint8Array ? 'bytes' : 'type';
  }
}

export function childrenOf(node: ASTNode): ASTNode[] {
  const args: unknown = node.args;
  const all: unknown[] = Array.isArray(args) ? args.flat(2) : [args];
  return all.filter(
    (one): one is ASTNode => typeof one === 'object' && one !== null && 'op' in one,
  );
}
