/**
 * CEL expressions. What an expression reads (`twins.lamp.reported.power`, `trigger.to`, `vars.level`) is cut out
 * of its text and becomes a variable: so its operands are known for the explanation, what it reads of other
 * twins is known beforehand, and a value that is not there makes the expression unknown and is named.
 */
import { type ASTNode, Environment, EvaluationError, ParseError } from '@marcbachmann/cel-js';
import type { Json, JsonObject } from '../../engine/kind.ts';

/** What expressions may begin with, besides `now` and `local`. */
const ROOTS = ['twins', 'home', 'trigger', 'vars', 'local'] as const;
export type Root = (typeof ROOTS)[number];

/** A value that an expression reads: `twins.lamp.reported.power`. */
export interface Operand {
  /** As the author wrote it. */
  text: string;
  root: Root;
  path: readonly string[];
  /** Only asks whether it is there. */
  isPresence: boolean;
  /** Is compared with `null`, which is what it is where it is not there. */
  mayBeNull: boolean;
  /** Where it stands in the expression's text. */
  start: number;
  end: number;
}

export interface Expression {
  text: string;
  operands: readonly Operand[];
  /** The value, with what it was made of. */
  evaluate(scope: Scope): Evaluated;
  /** The type that it has where the operands have these; an error where they do not fit. */
  typeWith(
    typeOf: (operand: Operand) => CelType,
  ): { type: string } | { error: string; start: number };
}

/** What an expression sees: a value per root, and the moment. */
export interface Scope {
  roots: Partial<Record<Root, JsonObject>>;
  /** Epoch ms. */
  now: number;
}

export type Evaluated =
  | { ok: true; value: Json; operands: OperandValue[] }
  /** It has no value, for this reason: something is not there, or of another type than it takes. */
  | { ok: false; reason: string; operands: OperandValue[] };
export interface OperandValue {
  text: string;
  /** Absent: it is not there. */
  value?: Json;
}

export type CelType = 'bool' | 'double' | 'string' | 'list' | 'map' | 'dyn';

/** Text that is no expression. */
export class ExpressionError extends Error {
  /** Index in the expression's text. */
  readonly start: number;
  constructor(message: string, start: number) {
    super(message);
    this.name = 'ExpressionError';
    this.start = start;
  }
}

const LIMITS = {
  maxAstNodes: 500,
  maxDepth: 32,
  maxListElements: 200,
  maxMapEntries: 50,
  maxCallArguments: 8,
};
/** Macros over lists within each other: two are at most a million steps over the largest lists. */
const MOST_NESTED = 2;
const OVER_LISTS = new Set(['all', 'exists', 'exists_one', 'map', 'filter']);
/** `matches` takes regular expressions, which can take for ever. */
const REFUSED = new Set(['matches']);

const BASE = new Environment({ homogeneousAggregateLiterals: false, limits: LIMITS });
for (const operator of ['+', '-', '*', '/', '%']) {
  const run = (a: number, b: number) =>
    operator === '+'
      ? a + b
      : operator === '-'
        ? a - b
        : operator === '*'
          ? a * b
          : operator === '/'
            ? a / b
            : a % b;
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

/** As it is written, for finding what it reads. */
const READING = BASE.clone();
for (const root of ROOTS) READING.registerVariable(root, 'map');

/** @throws ExpressionError with the place in the text */
export function parseExpression(text: string): Expression {
  const { ast } = parsed(READING, text);
  const operands: Operand[] = [];
  walk(ast, text, operands, 0);
  const run = substituted(text, operands);
  const environment = BASE.clone();
  for (const [at, { isPresence }] of operands.entries()) {
    environment.registerVariable(nameOf(at), isPresence ? 'bool' : 'dyn');
  }
  const program = parsed(environment, run);
  return {
    text,
    operands,
    evaluate: (scope) => evaluate(program, operands, scope),
    typeWith: (typeOf) => typeWith(text, run, operands, typeOf),
  };
}

/** The values that stand in an expression as they are: `"a"`, `5`. @throws ExpressionError */
export function literalsOf(text: string): unknown[] {
  const found: unknown[] = [];
  const nodes: ASTNode[] = [parsed(READING, text).ast];
  for (const node of nodes) {
    if (node.op === 'value') found.push(node.args);
    nodes.push(...childrenOf(node));
  }
  return found;
}

function evaluate(
  program: (context: Record<string, unknown>) => unknown,
  operands: readonly Operand[],
  scope: Scope,
): Evaluated {
  const values: OperandValue[] = [];
  const context: Record<string, unknown> = { now: new Date(scope.now) };
  const missing: string[] = [];
  for (const [at, operand] of operands.entries()) {
    const found = valueAt(scope.roots[operand.root], operand.path);
    if (operand.isPresence) {
      context[nameOf(at)] = found !== undefined;
      values.push({ text: operand.text, value: found !== undefined });
    } else if (found === undefined && operand.mayBeNull) {
      context[nameOf(at)] = null;
      values.push({ text: operand.text });
    } else if (found === undefined) {
      missing.push(operand.text);
      values.push({ text: operand.text });
    } else {
      context[nameOf(at)] = found;
      values.push({ text: operand.text, value: found });
    }
  }
  try {
    return { ok: true, value: toJson(program(context)), operands: values };
  } catch (thrown) {
    const reason =
      missing.length > 0
        ? `${missing.join(', ')} ${missing.length > 1 ? 'are' : 'is'} not there`
        : summaryOf(thrown);
    return { ok: false, reason, operands: values };
  }
}

function typeWith(
  text: string,
  run: string,
  operands: readonly Operand[],
  typeOf: (operand: Operand) => CelType,
): { type: string } | { error: string; start: number } {
  const environment = BASE.clone();
  for (const [at, operand] of operands.entries()) {
    const type = operand.isPresence ? 'bool' : operand.mayBeNull ? 'dyn' : typeOf(operand);
    environment.registerVariable(nameOf(at), type);
  }
  const result = environment.check(run);
  if (result.valid) return { type: result.type ?? 'dyn' };
  const start = originalIndex(result.error?.range?.start ?? 0, operands);
  return { error: summaryOf(result.error), start: Math.min(start, text.length) };
}

function parsed(environment: Environment, text: string) {
  try {
    return environment.parse(text);
  } catch (thrown) {
    if (thrown instanceof ParseError) {
      throw new ExpressionError(summaryOf(thrown), thrown.range?.start ?? 0);
    }
    throw thrown;
  }
}

/** Collects what the expression reads. */
function walk(node: ASTNode, text: string, operands: Operand[], nested: number): void {
  const whole = chainOf(node);
  if (whole) {
    operands.push(operandOf(node, text, whole));
    return;
  }
  switch (node.op) {
    case '==':
    case '!=': {
      const compared = node.args.find((side) => !isNull(side));
      const chain = compared && node.args.some(isNull) && chainOf(compared);
      if (chain) operands.push({ ...operandOf(compared, text, chain), mayBeNull: true });
      else for (const side of node.args) walk(side, text, operands, nested);
      return;
    }
    case 'id':
      if (node.args === 'secrets') {
        throw new ExpressionError(
          'secrets stand in headers of webhooks only, with nothing but text around them',
          node.start,
        );
      }
      if ((ROOTS as readonly string[]).includes(node.args)) {
        throw new ExpressionError(
          `"${node.args}" alone is no value: say which, as in ${node.args}.name`,
          node.start,
        );
      }
      return;
    case 'call':
    case 'rcall': {
      const [name] = node.args;
      if (REFUSED.has(name)) {
        throw new ExpressionError(
          `"${name}" is not available: use contains, startsWith or endsWith`,
          node.start,
        );
      }
      const [asked] = node.op === 'call' && name === 'has' ? node.args[1] : [];
      const presence = asked && chainOf(asked);
      if (presence) {
        operands.push({ ...operandOf(node, text, presence), isPresence: true });
        return;
      }
      const deeper = nested + (OVER_LISTS.has(name) ? 1 : 0);
      if (deeper > MOST_NESTED) {
        throw new ExpressionError(
          `"${name}" within "${name}" within another costs too much`,
          node.start,
        );
      }
      if (node.op === 'rcall') walk(node.args[1], text, operands, deeper);
      for (const argument of node.op === 'rcall' ? node.args[2] : node.args[1]) {
        walk(argument, text, operands, deeper);
      }
      return;
    }
    default:
      for (const child of childrenOf(node)) walk(child, text, operands, nested);
  }
}

function childrenOf(node: ASTNode): ASTNode[] {
  const args: unknown = node.args;
  const all: unknown[] = Array.isArray(args) ? args.flat(2) : [args];
  return all.filter(
    (one): one is ASTNode => typeof one === 'object' && one !== null && 'op' in one,
  );
}

/** `twins.lamp["reported"].power` → its keys, root first; null for anything else. */
function chainOf(node: ASTNode): [string, ...string[]] | null {
  if (node.op === '.') {
    const [owner, key] = node.args;
    return extended(owner, key);
  }
  if (node.op === '[]') {
    const [owner, key] = node.args;
    const { op, args } = key;
    if (op === 'value' && typeof args === 'string') return extended(owner, args);
    const above = rootOf(owner);
    if (above === 'twins') {
      throw new ExpressionError(
        'a twin is named in the text, as in twins["lamp"]; of the one that triggered use trigger.after',
        key.start,
      );
    }
  }
  return null;
}

function extended(owner: ASTNode, key: string): [string, ...string[]] | null {
  if (owner.op === 'id') {
    return (ROOTS as readonly string[]).includes(owner.args) ? [owner.args, key] : null;
  }
  const above = chainOf(owner);
  return above && [...above, key];
}

/** The root that is indexed directly, as in `twins[x]`. */
function rootOf(node: ASTNode): string | null {
  return node.op === 'id' && (ROOTS as readonly string[]).includes(node.args) ? node.args : null;
}

function operandOf(node: ASTNode, text: string, [root, ...path]: [string, ...string[]]): Operand {
  const { start, end } = node;
  const whole = { text: text.slice(start, end), start, end };
  return { ...whole, root: root as Root, path, isPresence: false, mayBeNull: false };
}

function isNull({ op, args }: ASTNode): boolean {
  return op === 'value' && args === null;
}

function nameOf(at: number): string {
  return `_${at}`;
}

function substituted(text: string, operands: readonly Operand[]): string {
  let run = '';
  let from = 0;
  for (const [at, { start, end }] of operands.entries()) {
    run += text.slice(from, start) + nameOf(at);
    from = end;
  }
  return run + text.slice(from);
}

/** An index of the substituted text in the author's. */
function originalIndex(index: number, operands: readonly Operand[]): number {
  // By how much the author's text is ahead
  let ahead = 0;
  for (const [at, { start, end }] of operands.entries()) {
    const replaced = start - ahead;
    if (index < replaced) break;
    if (index < replaced + nameOf(at).length) return start;
    ahead += end - start - nameOf(at).length;
  }
  return index + ahead;
}

function valueAt(root: JsonObject | undefined, path: readonly string[]): Json | undefined {
  let at: Json | undefined = root;
  for (const key of path) {
    if (typeof at !== 'object' || at === null || Array.isArray(at)) return undefined;
    at = Object.hasOwn(at, key) ? at[key] : undefined;
  }
  // What was reported as null is not known
  return at === null ? undefined : at;
}

function toJson(value: unknown): Json {
  if (typeof value === 'bigint') return Number(value);
  if (value === null || value === undefined) return null;
  if (typeof value === 'string' || typeof value === 'boolean' || typeof value === 'number')
    return value;
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map(toJson);
  if (value instanceof Map)
    return Object.fromEntries([...value].map(([key, one]) => [String(key), toJson(one)]));
  if (Object.getPrototypeOf(value) === Object.prototype || Object.getPrototypeOf(value) === null) {
    return Object.fromEntries(
      Object.entries(value as object).map(([key, one]) => [key, toJson(one)]),
    );
  }
  return String(value);
}

function summaryOf(thrown: unknown): string {
  if (thrown instanceof ParseError || thrown instanceof EvaluationError) return thrown.summary;
  if (thrown instanceof Error) return 'summary' in thrown ? String(thrown.summary) : thrown.message;
  return String(thrown);
}
