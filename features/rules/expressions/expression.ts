/**
 * CEL expressions. What an expression reads (`twins.lamp.reported.power`, `trigger.to`, `vars.level`) is cut out
 * of its text and becomes a variable: so its operands are known for the explanation, what it reads of other
 * twins is known beforehand, and a value that is not there makes the expression unknown and is named.
 */
import { type ASTNode, type Environment, ParseError } from '@marcbachmann/cel-js';
import type { Json, JsonObject } from '../../../engine/kind.ts';
import { type Budget, BudgetExceeded, shortened } from './budget.ts';
import { BASE, childrenOf, NoValue, summaryOf } from './cel.ts';
import { compile } from './evaluator.ts';
import type { Run } from './frame.ts';
import { isMap } from './measures.ts';

/** What expressions may begin with, besides `now` and `local`. */
const ROOTS = ['twins', 'home', 'trigger', 'vars', 'local'] as const;
export type Root = (typeof ROOTS)[number];

/** A value that an expression reads: `twins.lamp.reported.power`. */
export interface Operand {
  /** The text, as the author wrote it. */
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
  /**
   * The value, with what it was made of.
   * @throws BudgetExceeded when what the scope has left does not suffice
   */
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
  /** What evaluating may still cost. */
  budget: Budget;
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

/** Macros over lists, and names for values, within each other. The budget bounds what they cost; this, how they read. */
const MAX_NESTED = 2;
const OVER_LISTS = new Set(['all', 'exists', 'exists_one', 'map', 'filter', 'bind']);
/** `matches` takes regular expressions, which can take for ever. */
const REFUSED = new Set(['matches']);

/** The expression as it is written, for finding what it reads. */
const READING = BASE.clone();
for (const root of ROOTS) READING.registerVariable(root, 'map');

/** @throws ExpressionError with the place in the text */
export function parseExpression(text: string): Expression {
  const { ast } = parsed(READING, text);
  const operands: Operand[] = [];
  const indices = new Map<ASTNode, number>();
  const edits: Edit[] = [];
  walk(ast, text, { operands, indices, edits }, { nested: 0, isInside: false });
  const run = compile(ast, (node) => indices.get(node));
  return {
    text,
    operands,
    evaluate: (scope) => evaluate(text, run, operands, scope),
    typeWith: (typeOf) => typeWith(text, operands, edits, typeOf),
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
  text: string,
  run: Run,
  operands: readonly Operand[],
  { roots, now, budget }: Scope,
): Evaluated {
  const values: OperandValue[] = [];
  const read: unknown[] = [];
  const missing: string[] = [];
  for (const { root, path, isPresence, mayBeNull, text: what } of operands) {
    const found = valueAt(roots[root], path);
    if (isPresence) {
      read.push(found !== undefined);
      values.push({ text: what, value: found !== undefined });
    } else {
      if (found === undefined && !mayBeNull) missing.push(what);
      read.push(found === undefined && mayBeNull ? null : found);
      values.push({ text: what, ...(found !== undefined && { value: found }) });
    }
  }
  try {
    const value = run({ budget, now, operands: read, names: null });
    // As JSON it is a copy, however much of it was shared
    budget.made(value);
    return { ok: true, value: toJson(value), operands: values };
  } catch (thrown) {
    if (thrown instanceof BudgetExceeded) thrown.expression ??= text;
    if (!(thrown instanceof NoValue)) throw thrown;
    const reason =
      missing.length > 0
        ? `${missing.join(', ')} ${missing.length > 1 ? 'are' : 'is'} not there`
        : shortened(thrown.message);
    return { ok: false, reason, operands: values };
  }
}

function typeWith(
  text: string,
  operands: readonly Operand[],
  edits: readonly Edit[],
  typeOf: (operand: Operand) => CelType,
): { type: string } | { error: string; start: number } {
  const environment = BASE.clone();
  for (const [at, operand] of operands.entries()) {
    const type = operand.isPresence ? 'bool' : operand.mayBeNull ? 'dyn' : typeOf(operand);
    environment.registerVariable(nameOf(at), type);
  }
  const result = environment.check(edited(text, edits));
  if (result.valid) return { type: result.type ?? 'dyn' };
  const start = originalIndex(result.error?.range?.start ?? 0, edits);
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

interface Reading {
  operands: Operand[];
  /** Which node of the tree is which of them. */
  indices: Map<ASTNode, number>;
  edits: Edit[];
}

/** Where a node stands. */
interface Surroundings {
  /** Macros over lists around it. */
  nested: number;
  /** A list, a map or a macro is around it. */
  isInside: boolean;
}

/** What stands in the text that is checked in place of a part of the author's. */
interface Edit {
  start: number;
  end: number;
  by: string;
}

/** Collects what the expression reads. */
function walk(node: ASTNode, text: string, reading: Reading, around: Surroundings): void {
  const take = (read: ASTNode, operand: Operand) => {
    const { start, end } = read;
    reading.edits.push({ start, end, by: nameOf(reading.operands.length) });
    reading.indices.set(read, reading.operands.length);
    reading.operands.push(operand);
  };
  const whole = chainOf(node);
  if (whole) {
    take(node, operandOf(node, text, whole));
    return;
  }
  switch (node.op) {
    case '==':
    case '!=': {
      const compared = node.args.find((side) => !isNull(side));
      const chain = compared && node.args.some(isNull) && chainOf(compared);
      if (chain) take(compared, { ...operandOf(compared, text, chain), mayBeNull: true });
      else for (const side of node.args) walk(side, text, reading, around);
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
        take(node, { ...operandOf(node, text, presence), isPresence: true });
        return;
      }
      const isMacro = OVER_LISTS.has(name);
      const deeper = {
        nested: around.nested + (isMacro ? 1 : 0),
        isInside: around.isInside || isMacro,
      };
      if (deeper.nested > MAX_NESTED) {
        throw new ExpressionError(
          `"${name}" within "${name}" within another costs too much`,
          node.start,
        );
      }
      if (node.op === 'rcall') walk(node.args[1], text, reading, deeper);
      for (const argument of node.op === 'rcall' ? node.args[2] : node.args[1]) {
        walk(argument, text, reading, deeper);
      }
      return;
    }
    case 'list':
    case 'map': {
      const { start, end } = node;
      // The library keeps each type that it has ever seen: of lists in lists it sees few this way
      if (around.isInside) reading.edits.push({ start, end: start, by: 'dyn(' });
      for (const child of childrenOf(node)) {
        walk(child, text, reading, { ...around, isInside: true });
      }
      if (around.isInside) reading.edits.push({ start: end, end, by: ')' });
      return;
    }
    default:
      for (const child of childrenOf(node)) walk(child, text, reading, around);
  }
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

/** @param edits in the order of the text */
function edited(text: string, edits: readonly Edit[]): string {
  let result = '';
  let from = 0;
  for (const { start, end, by } of edits) {
    result += text.slice(from, start) + by;
    from = end;
  }
  return result + text.slice(from);
}

/** An index of the edited text in the author's. */
function originalIndex(index: number, edits: readonly Edit[]): number {
  // By how much the author's text is ahead
  let ahead = 0;
  for (const { start, end, by } of edits) {
    const replaced = start - ahead;
    if (index < replaced) break;
    if (index < replaced + by.length) return start;
    ahead += end - start - by.length;
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
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number') {
    // As JSON it would be null: a rule would go on with another value after a restart than before
    if (!Number.isFinite(value)) throw new NoValue(`it is ${value}, which is no finite number`);
    return value;
  }
  if (value instanceof Date) {
    if (Number.isNaN(value.getTime())) throw new NoValue('it is no moment');
    return value.toISOString();
  }
  if (Array.isArray(value)) return value.map(toJson);
  if (isMap(value)) {
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, toJson(one)]));
  }
  return String(value);
}
