/** Clears an alert of the rule. */
import { z } from 'zod';
import { twinName, typed } from '../language/schemas.ts';
import { type Action, asking, defineAction } from './action.ts';

interface ClearAction extends Action {
  readonly type: 'clear';
  readonly key: string;
}

export const clear = defineAction<ClearAction>({
  type: 'clear',
  schema: () =>
    z.strictObject({ clear: twinName }).transform(({ clear: key }) => typed('clear')({ key })),
  parts: { clear: 'plain' },
  compile(action, place, assembler) {
    assembler.add(
      asking(action, place, ({ key }) => [
        {
          type: 'alert',
          key: String(key),
          severity: 'info',
          state: 'cleared',
          message: 'cleared by the rule',
        },
      ]),
    );
  },
});
