/** Wants something of twins. */
import { z } from 'zod';
import type { Json, JsonObject } from '../../../engine/kind.ts';
import { influencesOn } from '../checker/influence.ts';
import { checkPayload } from '../checker/values.ts';
import { afterwards, fields, target, typed, wait } from '../language/schemas.ts';
import { type Action, asking, defineAction } from './action.ts';
import { claimed, remember, twinsIn } from './claims.ts';

interface SetAction extends Action {
  readonly type: 'set';
  readonly twin: string | string[];
  readonly desired: Record<string, Json>;
  /** ms. */
  readonly hold?: number;
  readonly otherwise?: 'continue' | 'stop';
}

export const set = defineAction<SetAction>({
  type: 'set',
  schema: () =>
    z
      .strictObject({
        set: z.strictObject({
          twin: target,
          desired: fields,
          hold: wait
            .optional()
            .describe(
              'How long others of the same or a lower priority are to keep off; then what they wanted counts',
            ),
          otherwise: afterwards
            .optional()
            .describe('When somebody of a higher priority, or who holds it, wants something else'),
        }),
      })
      .transform(({ set: given }) => typed('set')(given)),
  check(action, checker, place) {
    const at = [...place, 'set', 'desired'];
    checker.template(action.desired, at);
    for (const kind of checker.targets(action.twin, [...place, 'set', 'twin']))
      checkPayload(checker, kind, 'desired.changed', action.desired, at);
  },
  twins: ({ twin }) => [twin].flat(),
  influences: ({ twin, desired }, place, twins) =>
    influencesOn(twin, desired, [...place, 'set', 'desired'], (id) => twins.get(id)?.kind),
  compile(action, place, assembler) {
    const { hold, otherwise } = action;
    assembler.add(
      asking(action, place, (values, step) => {
        const twins = twinsIn(values.twin);
        remember(step, twins, hold);
        const { run, thread, priority } = step;
        return twins.map((to) => ({
          type: 'tell',
          to,
          event: { ...(values.desired as JsonObject), type: 'desired.changed' },
          ...(otherwise === 'stop' && { ref: `${run.id}.${thread.id}.${thread.at}` }),
          ...claimed(priority, hold),
        }));
      }),
    );
  },
});
