/** Sets variables of the run. */
import { z } from 'zod';
import type { Json, JsonObject } from '../../../engine/kind.ts';
import { BudgetExceeded } from '../expressions/budget.ts';
import { parseTemplate } from '../expressions/template.ts';
import { KEY, typed, value } from '../language/schemas.ts';
import { type Action, defineAction, operandsOf } from './action.ts';

interface LetAction extends Action {
  readonly type: 'let';
  readonly values: Record<string, Json>;
}

/** The most bytes of the variables of one run, as JSON. */
const MAX_BYTES = 64 * 1_024;

export const letValues = defineAction<LetAction>({
  type: 'let',
  schema: () =>
    z
      .strictObject({ let: z.record(z.string().regex(KEY), value) })
      .transform(({ let: values }) => typed('let')({ values })),
  check({ values }, checker, place) {
    checker.template(values, [...place, 'let']);
  },
  compile(action, place, assembler) {
    const values = parseTemplate(action.values);
    assembler.add({
      place,
      word: 'let',
      operands: operandsOf(values),
      execute(step) {
        const filled = step.fill(values);
        if (!filled) return 'waits';
        const { run, moment } = step;
        const vars = { ...run.vars, ...(filled.value as JsonObject) };
        if (moment.budget.bytesOf(vars) > MAX_BYTES) {
          const names = Object.keys(filled.value as JsonObject).join(', ');
          throw new BudgetExceeded(
            `setting ${names} lets the variables of its run grow beyond ${MAX_BYTES / 1_024} KiB`,
          );
        }
        run.vars = vars;
        step.done(`let ${JSON.stringify(filled.value)}`, filled.operands);
        return step.next();
      },
    });
  },
});
