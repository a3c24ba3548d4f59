/** Values of actions in which `${…}` stands for a CEL expression. */
import type { Json } from '../../../engine/kind.ts';
import {
  type Expression,
  ExpressionError,
  type OperandValue,
  parseExpression,
  type Scope,
} from './expression.ts';
import { Measures } from './measures.ts';

export interface Template {
  /** All expressions in it. */
  expressions: readonly Expression[];
  /** @throws BudgetExceeded */
  fill(scope: Scope): Filled;
}
export type Filled =
  | { ok: true; value: Json; operands: OperandValue[] }
  | { ok: false; reason: string; operands: OperandValue[] };

type Part = string | Expression;

/**
 * A text that is one `${…}` and nothing else becomes the expression's value; any other text with `${…}` in it
 * stays a text; objects and lists are filled member by member.
 * @param encode what an expression says within a text goes through it
 * @throws ExpressionError
 */
export function parseTemplate(value: Json, encode?: (text: string) => string): Template {
  const expressions: Expression[] = [];
  const fill = compile(value, expressions, encode ?? ((text) => text));
  // What does not come of expressions is made anew each time too
  const { members, bytes } = sizeOf(value);
  return {
    expressions,
    fill(scope) {
      scope.budget.spend(members);
      scope.budget.make(bytes);
      const operands: OperandValue[] = [];
      const reasons: string[] = [];
      const filled = fill(scope, operands, reasons);
      const [reason] = reasons;
      if (reason !== undefined) return { ok: false, reason, operands };
      return { ok: true, value: filled, operands };
    },
  };
}

function sizeOf(value: Json): { members: number; bytes: number } {
  let members = 1;
  const { bytes } = new Measures((steps) => {
    members += steps;
  }).of(value);
  return { members, bytes };
}

type Fill = (scope: Scope, operands: OperandValue[], reasons: string[]) => Json;

function compile(value: Json, expressions: Expression[], encode: (text: string) => string): Fill {
  if (typeof value === 'string') {
    const parts = partsOf(value);
    expressions.push(...parts.filter((part) => typeof part !== 'string'));
    const [only] = parts;
    if (only !== undefined && parts.length === 1) {
      return typeof only === 'string' ? () => only : (...given) => valueIn(only, ...given);
    }
    return (...given) => textOf(parts, encode, ...given);
  }
  if (Array.isArray(value)) {
    const members = value.map((member) => compile(member, expressions, encode));
    return (...given) => members.map((member) => member(...given));
  }
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).map(
      ([key, member]) => [key, compile(member, expressions, encode)] as const,
    );
    return (...given) =>
      Object.fromEntries(members.map(([key, member]) => [key, member(...given)]));
  }
  return () => value;
}

function textOf(
  parts: readonly Part[],
  encode: (text: string) => string,
  scope: Scope,
  operands: OperandValue[],
  reasons: string[],
): string {
  const texts = parts.map((part) => {
    if (typeof part === 'string') return part;
    const text = asText(valueIn(part, scope, operands, reasons));
    scope.budget.read(text.length);
    try {
      return encode(text);
    } catch {
      // Half a character
      reasons.push(`\${${part.text}}: it cannot stand in an address`);
      return '';
    }
  });
  const text = texts.join('');
  scope.budget.made(text);
  return text;
}

function valueIn(
  expression: Expression,
  scope: Scope,
  operands: OperandValue[],
  reasons: string[],
): Json {
  const evaluated = expression.evaluate(scope);
  operands.push(...evaluated.operands);
  if (evaluated.ok) return evaluated.value;
  reasons.push(`\${${expression.text}}: ${evaluated.reason}`);
  return null;
}

export function asText(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function partsOf(text: string): Part[] {
  return splitTemplate(text).map((part) =>
    part.isExpression ? parseExpression(part.text) : part.text,
  );
}

/**
 * Texts and expressions in turn. Braces and quotes within an expression are its own.
 * @throws ExpressionError for one that does not end
 */
export function splitTemplate(text: string): { text: string; isExpression: boolean }[] {
  const parts: { text: string; isExpression: boolean }[] = [];
  let from = 0;
  for (let at = text.indexOf('${'); at >= 0; at = text.indexOf('${', from)) {
    if (at > from) parts.push({ text: text.slice(from, at), isExpression: false });
    const end = endOf(text, at + 2);
    if (end < 0) throw new ExpressionError('"${" without its "}"', at);
    parts.push({ text: text.slice(at + 2, end).trim(), isExpression: true });
    from = end + 1;
  }
  if (from < text.length || parts.length === 0) {
    parts.push({ text: text.slice(from), isExpression: false });
  }
  return parts;
}

function endOf(text: string, from: number): number {
  let depth = 0;
  let quote: string | null = null;
  for (let at = from; at < text.length; at++) {
    const sign = text[at];
    if (quote !== null) {
      if (sign === '\\') at++;
      else if (sign === quote) quote = null;
    } else if (sign === '"' || sign === "'") quote = sign;
    else if (sign === '{') depth++;
    else if (sign === '}') {
      if (depth === 0) return at;
      depth--;
    }
  }
  return -1;
}
