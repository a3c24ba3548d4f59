/** Macros over lists and maps, each round at the cost of a step. */
import type { ASTNode } from '@marcbachmann/cel-js';
import type { Budget } from './budget.ts';
import { NoValue, typeOf } from './cel.ts';
import { attempt, type Frame, type Into, nameOf, naming, type Run, step } from './frame.ts';
import { isMap } from './measures.ts';

type OverList = (range: Run, args: readonly ASTNode[], into: Into) => Run;

/** The functions, by name and number of arguments. */
export const OVER_LISTS: Record<string, OverList> = {
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
function rounds(range: Run, args: readonly ASTNode[], into: Into) {
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
