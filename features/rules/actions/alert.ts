/** Raises an alert of the rule. */
import { z } from 'zod';
import { severity, twinName, typed } from '../language/schemas.ts';
import { type Action, asking, defineAction } from './action.ts';

interface AlertAction extends Action {
  readonly type: 'alert';
  readonly key: string;
  readonly message: string;
  readonly severity: 'info' | 'warning' | 'critical';
}

export const alert = defineAction<AlertAction>({
  type: 'alert',
  schema: () =>
    z
      .strictObject({
        alert: z.strictObject({
          key: twinName,
          message: z.string(),
          severity: severity.default('warning'),
        }),
      })
      .transform(({ alert: given }) => typed('alert')(given)),
  check({ message }, checker, place) {
    checker.template(message, [...place, 'alert', 'message']);
  },
  compile(action, place, assembler) {
    assembler.add(
      asking(action, place, ({ key, message }) => [
        {
          type: 'alert',
          key: String(key),
          severity: action.severity,
          state: 'raised',
          message: String(message),
        },
      ]),
    );
  },
});
