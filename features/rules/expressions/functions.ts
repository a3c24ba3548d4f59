/** The functions of an expression. */
import type { ASTNode } from '@marcbachmann/cel-js';
import type { Budget } from './budget.ts';
import { call, constant, isSingle, NoValue, typeOf } from './cel.ts';
import { entry, type Into, nameOf, naming, type Run, refuse, step } from './frame.ts';
import { isMap } from './measures.ts';
import { OVER_LISTS } from './over-lists.ts';

export function called(name: string, args: readonly ASTNode[], into: Into): Run {
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
function presence(asked: ASTNode, into: Into): Run {
  if (asked.op !== '.') return step(() => refuse('has() invalid argument'));
  const [owner, key] = asked.args;
  const whole = into(owner);
  return step((frame) => {
    const value = whole(frame);
    return isMap(value) && entry(value, key) !== undefined;
  });
}

export function calledOn([name, owner, args]: [string, ASTNode, ASTNode[]], into: Into): Run {
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
function bind(args: readonly ASTNode[], into: Into): Run {
  const [variable, value, expression] = args as [ASTNode, ASTNode, ASTNode];
  const name = nameOf(variable);
  const [first, then] = [into(value), into(expression)];
  return step((frame) => then(naming(frame, name, first(frame))));
}
