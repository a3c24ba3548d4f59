/**
 * Evaluates the syntax tree of an expression, each step and each value that is made at the cost of a budget.
 * What it gives is what the library would give (differential.test.ts holds the two against each other).
 */
import type { ASTNode } from '@marcbachmann/cel-js';
import { constant, isSingle, NoValue, typeOf } from './cel.ts';
import { entry, type Frame, type Run, step } from './frame.ts';
import { called, calledOn } from './functions.ts';
import { isMap } from './measures.ts';
import { binary, isNumber, logical, unary } from './operators.ts';

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

function shown(key: unknown): string {
  return isSingle(key) ? String(key) : typeOf(key);
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
