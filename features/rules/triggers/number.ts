/** A number of a twin crosses a limit. */
import { z } from 'zod';
import { isOpen } from '../checker/influence.ts';
import { shapeAt } from '../checker/values.ts';
import { shown } from '../language/languages.ts';
import {
  held,
  namesSomebody,
  path,
  type Selector,
  selector,
  typed,
  WHOSE,
} from '../language/schemas.ts';
import { concerns, firingOf, valueAt, watchesOfSelector } from './looking.ts';
import { isAt } from './state.ts';
import { defineTrigger, type Trigger } from './trigger.ts';

interface NumberTrigger extends Trigger, Selector {
  readonly type: 'number';
  readonly path: string[];
  readonly above?: number;
  readonly below?: number;
  /** How far it has to come back before it may fire again. */
  readonly hysteresis?: number;
}

export const number = defineTrigger<NumberTrigger>({
  type: 'number',
  schema: z
    .strictObject({
      ...selector,
      path,
      above: z.number().optional(),
      below: z.number().optional(),
      hysteresis: z
        .number()
        .positive()
        .optional()
        .describe('How far it has to come back before it may fire again'),
      ...held,
    })
    .refine(namesSomebody, WHOSE)
    .refine((given) => (given.above === undefined) !== (given.below === undefined), {
      message: 'give either "above" or "below"',
      path: ['above'],
    })
    .transform(typed('number'))
    .describe('A number crosses a limit'),
  check(trigger, checker, place) {
    for (const [kind, twin] of checker.whose(trigger, place)) {
      const at = [...place, 'path'];
      const shape = shapeAt(checker, trigger.path, kind, twin, at);
      if (shape && shape.type !== 'double' && shape.type !== 'dyn') {
        checker.say(`${trigger.path.join('.')} is a ${shape.type}, not a number`, at);
      }
    }
  },
  watches: watchesOfSelector,
  move(ready, memory, input, miss) {
    const { trigger } = ready;
    const { seen } = input;
    if (!concerns(trigger, seen)) return null;
    const from = valueAt(seen.before, trigger.path);
    const to = valueAt(seen.after, trigger.path);
    if (typeof to !== 'number' || from === to) return null;
    const key = `${ready.index}:${seen.twin}`;
    const { isSpent = false, until } = memory[key] ?? {};
    const limit = limitOf(trigger) ?? 0;
    // Of "below" everything is the other way round
    const sign = trigger.above === undefined ? -1 : 1;
    const isBeyond = (value: number) => sign * value > sign * limit;
    const isBack = sign * to <= sign * limit - (trigger.hysteresis ?? 0) && !isBeyond(to);
    const hit = firingOf(ready, input, { ...(from !== undefined && { from }), to });
    const words = () => `${trigger.path.join('.')} is ${to}, the limit is ${limit}`;
    if (isBack) {
      if (until !== undefined) return { key, move: 'breaks', hit };
      return isSpent ? { key, move: 'rearms', hit } : miss(words, to);
    }
    if (!isBeyond(to)) return miss(words, to);
    if (isSpent)
      return miss(
        () => `${words()}: it has fired, and has not come back by its hysteresis since`,
        to,
      );
    if (until !== undefined) return null;
    if (typeof from === 'number' && isBeyond(from))
      return miss(() => `${words()}: it was beyond it before`, to);
    return { key, move: trigger.for === undefined ? 'fires' : 'holds', hit };
  },
  fired: ({ hysteresis }) => (hysteresis === undefined ? null : { isSpent: true }),
  limit: limitOf,
  isMovedBy(trigger, influence) {
    if (!isAt(trigger, influence)) return false;
    const { value } = influence;
    if (isOpen(value)) return true;
    if (typeof value !== 'number') return false;
    return trigger.above !== undefined
      ? value > trigger.above
      : value < (trigger.below ?? Number.NEGATIVE_INFINITY);
  },
  words: {
    en: ({ twin, from, to }) =>
      `${twin} crossed its limit with ${shown(to)}${from === undefined ? '' : ` (before: ${shown(from)})`}`,
    de: ({ twin, from, to }) =>
      `${twin} mit ${shown(to)} die Grenze überschritt${from === undefined ? '' : ` (vorher: ${shown(from)})`}`,
  },
});

function limitOf({ above, below }: NumberTrigger): number | undefined {
  return above ?? below;
}
