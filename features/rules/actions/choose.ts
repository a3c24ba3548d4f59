/** Does the first of several things whose condition is true. */
import { z } from 'zod';
import { type Condition, conditions } from '../conditions/condition.ts';
import { typed } from '../language/schemas.ts';
import { type Action, defineAction } from './action.ts';
import { compileChoice } from './flow.ts';

interface ChooseAction extends Action {
  readonly type: 'choose';
  readonly branches: { when: Condition; do: Action[] }[];
  readonly otherwise: Action[];
}

export const choose = defineAction<ChooseAction>({
  type: 'choose',
  schema: (actions) =>
    z
      .strictObject({
        choose: z.array(z.strictObject({ when: conditions, do: actions })).min(1),
        otherwise: actions.default([]),
      })
      .transform(({ choose: branches, otherwise }) => typed('choose')({ branches, otherwise })),
  parts: { choose: 'action', when: 'condition', do: 'action', otherwise: 'action' },
  check({ branches }, checker, place) {
    for (const [at, { when }] of branches.entries()) {
      checker.condition(when, [...place, 'choose', at, 'when']);
      if (isAlwaysTrue(when) && at < branches.length - 1) {
        checker.say(
          'is never reached: the branch before it is always taken',
          [...place, 'choose', at + 1],
          'warning',
        );
      }
    }
  },
  nested: ({ branches, otherwise }) => [
    ...branches.map((branch, at) => ({ actions: branch.do, place: ['choose', at, 'do'] })),
    { actions: otherwise, place: ['otherwise'] },
  ],
  compile({ branches, otherwise }, place, assembler) {
    compileChoice(
      branches.map(({ when, do: actions }, at) => ({
        ...{ when, actions },
        place: [...place, 'choose', at, 'do'],
      })),
      { actions: otherwise, place: [...place, 'otherwise'] },
      place,
      assembler,
    );
  },
});

function isAlwaysTrue(condition: Condition): boolean {
  return condition.type === 'cel' && condition.expression.trim() === 'true';
}
