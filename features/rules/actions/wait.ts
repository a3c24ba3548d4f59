/** Waits for an event, a clock or a condition. */
import { z } from 'zod';
import { type Expression, parseExpression } from '../expressions/expression.ts';
import { afterwards, expression, oneOrMore, wait as span, typed } from '../language/schemas.ts';
import { readsOf } from '../model/reads.ts';
import { alarmsOf, isClock, scheduleOf, waitPrefix } from '../triggers/alarms.ts';
import {
  checkTrigger,
  type ReadyTrigger,
  readyTrigger,
  type Trigger,
  trigger,
  twinsOf,
  watchesOf,
} from '../triggers/index.ts';
import { type Action, defineAction } from './action.ts';

interface WaitAction extends Action {
  readonly type: 'wait';
  readonly for: Trigger[];
  readonly until?: string;
  /** ms. */
  readonly timeout?: number;
  /** What happens after the timeout. */
  readonly otherwise: 'continue' | 'stop';
}

export const wait = defineAction<WaitAction>({
  type: 'wait',
  schema: () =>
    z
      .strictObject({
        wait: z
          .strictObject({
            for: oneOrMore(trigger).optional(),
            until: expression.optional(),
            timeout: span.optional(),
            otherwise: afterwards.default('continue').describe('After the timeout'),
          })
          .refine((given) => given.for ?? given.until, {
            message: 'give "for" or "until"',
            path: ['for'],
          }),
      })
      .transform(({ wait: given }) => typed('wait')({ ...given, for: given.for ?? [] })),
  parts: { wait: 'wait' },
  check(action, checker, place) {
    const at = [...place, 'wait'];
    for (const [index, one] of action.for.entries())
      checkTrigger(one, checker, [...at, 'for', index]);
    if (action.until !== undefined) checker.expression(action.until, [...at, 'until'], 'bool');
    if (action.timeout === undefined && !action.for.some(isClock)) {
      checker.say('waits for ever if it does not come: give a "timeout"', at, 'warning');
    }
  },
  twins: (action) => action.for.flatMap(twinsOf),
  compile(action, place, assembler) {
    const triggers = action.for.map(readyTrigger);
    const until = action.until === undefined ? null : parseExpression(action.until);
    assembler.add({
      place,
      word: 'wait',
      operands: [
        ...(until?.operands ?? []),
        ...triggers.flatMap((ready) => ready.expression?.operands ?? []),
      ],
      watches: [...triggers.flatMap(watchesOf), ...watchesOfCondition(until)],
      awaits: { triggers, until },
      execute(step) {
        const { run, thread, moment } = step;
        const found = until?.evaluate(step.scope());
        if (found?.ok && found.value === true) {
          step.done(`${until?.text} was true already`, found.operands);
          return step.next();
        }
        const { timeout = null } = action;
        const waits = step.wait(
          { type: 'wait', memory: {} },
          timeout,
          'for an event or a condition',
        );
        const prefix = waitPrefix(run, thread);
        for (const alarm of triggers.flatMap((one: ReadyTrigger) => alarmsOf(one, moment, prefix)))
          step.ask([scheduleOf(alarm)]);
        return waits;
      },
      timeIsUp(step) {
        step.run.vars.wait = null;
        if (action.otherwise === 'stop')
          step.end('stopped', 'what it waited for did not come in time');
        else step.resume();
      },
    });
  },
});

function watchesOfCondition(until: Expression | null) {
  return readsOf(until?.operands ?? []).map(({ twin }) => ({ twin }));
}
