/** What the parts of the evaluator share. */
import type { ASTNode } from '@marcbachmann/cel-js';
import type { Budget } from './budget.ts';
import { isSingle, NoValue } from './cel.ts';

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

/** Makes a node ready to run. */
export type Into = (node: ASTNode) => Run;

/** Each node costs a step. */
export function step(run: Run): Run {
  return (frame) => {
    frame.budget.spend(1);
    return run(frame);
  };
}

/** The steps of a failure, which costs the process more than anything else that an expression does. */
const FAILURE_STEPS = 100;

/** The value, or why there is none. */
export function attempt(run: Run, frame: Frame): unknown {
  try {
    return run(frame);
  } catch (thrown) {
    if (!(thrown instanceof NoValue)) throw thrown;
    frame.budget.spend(FAILURE_STEPS);
    return thrown;
  }
}

export function refuse(reason: string): never {
  throw new NoValue(reason);
}

/** The name that a macro gives to a value. */
export function nameOf(node: ASTNode): string {
  return node.op === 'id' ? node.args : refuse('invalid iteration variable');
}

export function naming(frame: Frame, name: string, value: unknown): Frame {
  return { ...frame, names: { name, value, outer: frame.names } };
}

/** Undefined: it is not there. */
export function entry(map: Record<string, unknown>, key: unknown): unknown {
  if (!isSingle(key)) return undefined;
  const name = String(key);
  return Object.hasOwn(map, name) ? map[name] : undefined;
}
