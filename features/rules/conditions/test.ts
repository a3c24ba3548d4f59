/** A condition made ready to be judged: its expressions parsed. */
import { type Expression, type Operand, parseExpression } from '../expressions/expression.ts';
import type { Condition } from './condition.ts';

export type Test =
  | { type: 'cel'; expression: Expression }
  | { type: 'time'; after?: number; before?: number; weekdays?: readonly number[] }
  | { type: 'mode'; mode: readonly string[] }
  | { type: 'and' | 'or'; of: readonly Test[] }
  | { type: 'not'; of: Test };

/** @throws ExpressionError for a condition that was never checked */
export function readyTest(condition: Condition): Test {
  switch (condition.type) {
    case 'cel':
      return { type: 'cel', expression: parseExpression(condition.expression) };
    case 'and':
    case 'or':
      return { type: condition.type, of: condition.of.map(readyTest) };
    case 'not':
      return { type: 'not', of: readyTest(condition.of) };
    case 'time':
    case 'mode':
      return condition;
  }
}

/** What a test of the mode reads, without an author having written it. */
const MODE: Operand = {
  ...{ text: 'home.mode', root: 'home', path: ['mode'] },
  ...{ isPresence: false, mayBeNull: false, start: 0, end: 0 },
};

export function operandsOfTest(test: Test): readonly Operand[] {
  switch (test.type) {
    case 'cel':
      return test.expression.operands;
    case 'and':
    case 'or':
      return test.of.flatMap(operandsOfTest);
    case 'not':
      return operandsOfTest(test.of);
    case 'mode':
      return [MODE];
    case 'time':
      return [];
  }
}
