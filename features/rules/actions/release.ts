/** Lets go of twins that the rule holds. */
import { z } from 'zod';
import { target, typed } from '../language/schemas.ts';
import { type Action, asking, defineAction } from './action.ts';
import { released, remember, twinsIn } from './claims.ts';

interface ReleaseAction extends Action {
  readonly type: 'release';
  readonly twin: string | string[];
}

export const release = defineAction<ReleaseAction>({
  type: 'release',
  schema: () =>
    z
      .strictObject({ release: target.describe('Twins that the rule holds') })
      .transform(({ release: twin }) => typed('release')({ twin })),
  check(action, checker, place) {
    checker.targets(action.twin, [...place, 'release']);
  },
  twins: ({ twin }) => [twin].flat(),
  compile(action, place, assembler) {
    assembler.add(
      asking(action, place, (values, step) => {
        const twins = twinsIn(values.twin);
        remember(step, twins, undefined);
        return twins.map(released);
      }),
    );
  },
});
