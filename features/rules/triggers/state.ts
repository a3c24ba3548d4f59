/** A value of a twin changes. */
import { z } from 'zod';
import type { Json } from '../../../engine/kind.ts';
import { isOpen } from '../checker/influence.ts';
import { checkFits, shapeAt } from '../checker/values.ts';
import { shown } from '../language/languages.ts';
import {
  held,
  namesSomebody,
  oneOrMore,
  path,
  type Selector,
  scalar,
  selector,
  typed,
  WHOSE,
} from '../language/schemas.ts';
import { concerns, moveOfValue, watchesOfSelector } from './looking.ts';
import { defineTrigger, type Trigger } from './trigger.ts';

interface StateTrigger extends Trigger, Selector {
  readonly type: 'state';
  readonly path: string[];
  readonly from?: Json[];
  readonly to?: Json[];
  readonly not?: Json[];
}

export const state = defineTrigger<StateTrigger>({
  type: 'state',
  schema: z
    .strictObject({
      ...selector,
      path,
      from: oneOrMore(scalar).optional(),
      to: oneOrMore(scalar).optional(),
      not: oneOrMore(scalar).optional(),
      ...held,
    })
    .refine(namesSomebody, WHOSE)
    .transform(typed('state'))
    .describe('A value of a twin changes'),
  check(trigger, checker, place) {
    for (const [kind, twin] of checker.whose(trigger, place)) {
      const shape = shapeAt(checker, trigger.path, kind, twin, [...place, 'path']);
      for (const word of ['from', 'to', 'not'] as const) {
        for (const value of trigger[word] ?? []) checkFits(checker, value, shape, [...place, word]);
      }
    }
    const { from, to } = trigger;
    if (from && to && JSON.stringify(from) === JSON.stringify(to)) {
      const message = 'begins and ends with the same value: it never fires';
      checker.say(message, [...place, 'to'], 'warning');
    }
  },
  watches: watchesOfSelector,
  move(ready, memory, input, miss) {
    const { trigger } = ready;
    if (!concerns(trigger, input.seen)) return null;
    return moveOfValue(ready, trigger, trigger.path, memory, input, miss);
  },
  isMovedBy(trigger, influence) {
    if (!isAt(trigger, influence)) return false;
    const { value } = influence;
    if (isOpen(value)) return true;
    return (
      (trigger.to === undefined || trigger.to.some((one) => one === value)) &&
      !(trigger.not ?? []).some((one) => one === value)
    );
  },
  words: {
    en: ({ twin, from, to }) =>
      `${twin} changed${from === undefined ? '' : ` from ${shown(from)}`} to ${shown(to)}`,
    de: ({ twin, from, to }) =>
      `${twin} sich${from === undefined ? '' : ` von ${shown(from)}`} auf ${shown(to)} änderte`,
  },
});

/** Whether a trigger looks at what is given to a twin. */
export function isAt(
  { twin, kind, room, path: [area, name] }: Selector & { path: readonly string[] },
  given: { twin: string; kind: string | undefined; property: string },
): boolean {
  const isIts =
    twin?.includes(given.twin) ?? (kind !== undefined ? kind === given.kind : room === undefined);
  return isIts && name === given.property && (area === 'reported' || area === 'desired');
}
