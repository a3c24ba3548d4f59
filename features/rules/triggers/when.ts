/** An expression becomes true. */
import { z } from 'zod';
import type { Observation } from '../../../engine/kind.ts';
import { expression, held, typed } from '../language/schemas.ts';
import { HOME_TWIN } from '../model/home-twin.ts';
import { readsOf } from '../model/reads.ts';
import { scopeOf } from '../model/scope.ts';
import { firingOf } from './looking.ts';
import { defineTrigger, type Trigger } from './trigger.ts';

interface WhenTrigger extends Trigger {
  readonly type: 'when';
  readonly when: string;
}

export const when = defineTrigger<WhenTrigger>({
  type: 'when',
  schema: z
    .strictObject({ when: expression, ...held })
    .transform(typed('when'))
    .describe('An expression becomes true'),
  parts: { when: 'condition' },
  text: ({ when: text }) => text,
  check(trigger, checker, place) {
    checker.expression(trigger.when, [...place, 'when'], 'bool');
  },
  watches: ({ expression: parsed }) =>
    readsOf(parsed?.operands ?? []).map(({ twin }) => ({ twin })),
  move(ready, memory, input, miss) {
    const { expression: parsed, index, trigger } = ready;
    const { seen, facts, timezone, budget } = input;
    if (!parsed?.operands.some(({ root, path }) => isOf(seen, root, path))) return null;
    const key = String(index);
    const { isTrue = false, until } = memory[key] ?? {};
    const evaluated = parsed.evaluate(
      scopeOf({ facts: facts(), now: seen.receivedAt, timezone, budget }),
    );
    const is = evaluated.ok && evaluated.value === true;
    const hit = firingOf(ready, input, {});
    if (is === isTrue) {
      return is
        ? null
        : miss(
            () => `${parsed.text} is ${evaluated.ok ? 'false' : `unknown: ${evaluated.reason}`}`,
          );
    }
    if (!is) return { key, move: until === undefined ? 'rearms' : 'breaks', hit };
    return { key, move: trigger.for === undefined ? 'fires' : 'holds', hit };
  },
  /** What is true already does not become true. */
  begin({ expression: parsed }, scope) {
    const evaluated = parsed?.evaluate(scope);
    return evaluated?.ok && evaluated.value === true ? { isTrue: true } : null;
  },
  holding: { isTrue: true },
  fired: () => ({ isTrue: true }),
  words: {
    en: () => 'its expression became true',
    de: () => 'ihr Ausdruck wahr wurde',
  },
});

function isOf({ twin }: Observation, root: string, path: readonly string[]): boolean {
  return root === 'twins' ? path[0] === twin : root === 'home' && twin === HOME_TWIN;
}
