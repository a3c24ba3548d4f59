/** Tells people something. */
import { z } from 'zod';
import type { Json, JsonObject } from '../../../engine/kind.ts';
import { fields, severity, typed } from '../language/schemas.ts';
import { type Action, asking, defineAction } from './action.ts';

interface NotifyAction extends Action {
  readonly type: 'notify';
  readonly title: string;
  readonly message: string;
  readonly severity: 'info' | 'warning' | 'critical';
  readonly data?: Record<string, Json>;
}

export const notify = defineAction<NotifyAction>({
  type: 'notify',
  schema: () =>
    z
      .strictObject({
        notify: z.strictObject({
          title: z.string(),
          message: z.string(),
          severity: severity.default('info'),
          data: fields.optional(),
        }),
      })
      .transform(({ notify: given }) => typed('notify')(given)),
  check({ title, message, data }, checker, place) {
    checker.template({ title, message, ...(data && { data }) }, [...place, 'notify']);
  },
  compile(action, place, assembler) {
    assembler.add(
      asking(action, place, ({ title, message, data }) => [
        {
          type: 'notify',
          title: String(title),
          message: String(message),
          severity: action.severity,
          ...(data !== undefined && { data: data as JsonObject }),
        },
      ]),
    );
  },
});
