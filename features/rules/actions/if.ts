/** Does one thing or another. */
import { z } from 'zod';
import { type Condition, conditions } from '../conditions/condition.ts';
import { typed } from '../language/schemas.ts';
import { type Action, defineAction } from './action.ts';
import { compileChoice } from './flow.ts';

interface IfAction extends Action {
  readonly type: 'if';
  readonly condition: Condition;
  readonly then: Action[];
  readonly else: Action[];
}

export const ifElse = defineAction<IfAction>({
  type: 'if',
  schema: (actions) =>
    z
      .strictObject({ if: conditions, then: actions, else: actions.default([]) })
      .transform(({ if: condition, ...rest }) => typed('if')({ condition, ...rest })),
  parts: { if: 'condition', then: 'action', else: 'action' },
  check(action, checker, place) {
    checker.condition(action.condition, [...place, 'if']);
  },
  nested: (action) => [
    { actions: action.then, place: ['then'] },
    { actions: action.else, place: ['else'] },
  ],
  compile(action, place, assembler) {
    compileChoice(
      [{ when: action.condition, actions: action.then, place: [...place, 'then'] }],
      { actions: action.else, place: [...place, 'else'] },
      place,
      assembler,
    );
  },
});
