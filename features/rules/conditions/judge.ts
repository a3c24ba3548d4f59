import { localTime } from '../../../engine/kind.ts';
import type { OperandValue, Scope } from '../expressions/expression.ts';
import type { Test } from './test.ts';

/** A condition with its outcome and what that was made of. */
export interface Verdict {
  /** What was asked, in a few words. */
  text: string;
  isTrue: boolean;
  /** Why it has no value, where it has none; it counts as false. */
  unknown?: string;
  operands: OperandValue[];
  /** The conditions below `and`, `or`, `not` that were asked. */
  of?: Verdict[];
}

/** Asks a condition. All parts of `and` and `or` are asked, so that an explanation is whole. */
export function judge(test: Test, scope: Scope, timezone: string): Verdict {
  switch (test.type) {
    case 'cel': {
      const { expression } = test;
      const evaluated = expression.evaluate(scope);
      const { operands } = evaluated;
      if (evaluated.ok && typeof evaluated.value === 'boolean') {
        return { text: expression.text, isTrue: evaluated.value, operands };
      }
      const unknown = evaluated.ok
        ? `it is ${JSON.stringify(evaluated.value)}, not true or false`
        : evaluated.reason;
      return { text: expression.text, isTrue: false, unknown, operands };
    }
    case 'time':
      return judgeTime(test, scope.now, timezone);
    case 'mode': {
      const mode = scope.roots.home?.mode;
      const text = `the mode is ${test.mode.join(' or ')}`;
      const operands: OperandValue[] = [
        { text: 'home.mode', ...(mode !== undefined && { value: mode }) },
      ];
      return { text, isTrue: typeof mode === 'string' && test.mode.includes(mode), operands };
    }
    case 'and':
    case 'or': {
      const of = test.of.map((one) => judge(one, scope, timezone));
      const isTrue =
        test.type === 'and' ? of.every((one) => one.isTrue) : of.some((one) => one.isTrue);
      return { text: test.type, isTrue, operands: [], of };
    }
    case 'not': {
      const inner = judge(test.of, scope, timezone);
      // What is unknown is not thereby false
      const isTrue = !inner.isTrue && inner.unknown === undefined;
      return {
        text: 'not',
        isTrue,
        ...(inner.unknown !== undefined && { unknown: inner.unknown }),
        operands: [],
        of: [inner],
      };
    }
  }
}

function judgeTime(
  { after, before, weekdays }: Extract<Test, { type: 'time' }>,
  now: number,
  timezone: string,
): Verdict {
  const { weekday, minutes } = localTime(now, timezone);
  const crossesMidnight = after !== undefined && before !== undefined && after > before;
  const isInside = crossesMidnight
    ? minutes >= after || minutes < before
    : (after === undefined || minutes >= after) && (before === undefined || minutes < before);
  // The hours after midnight belong to the evening before
  const day = crossesMidnight && minutes < before ? ((weekday + 5) % 7) + 1 : weekday;
  const isDay = weekdays === undefined || weekdays.includes(day);
  const words = [
    ...(after === undefined ? [] : [`from ${clock(after)}`]),
    ...(before === undefined ? [] : [`until ${clock(before)}`]),
    ...(weekdays === undefined ? [] : [`on ${weekdays.map((one) => DAYS[one - 1]).join(', ')}`]),
  ];
  return {
    text: words.join(' '),
    isTrue: isInside && isDay,
    operands: [{ text: 'local time', value: `${DAYS[weekday - 1]} ${clock(minutes)}` }],
  };
}

const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];

function clock(minutes: number): string {
  const two = (number: number) => String(number).padStart(2, '0');
  return `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}
