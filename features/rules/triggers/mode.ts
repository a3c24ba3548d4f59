/** The home changes into a mode. */
import { z } from 'zod';
import { isOpen } from '../checker/influence.ts';
import { held, oneOrMore, typed } from '../language/schemas.ts';
import { HOME_TWIN } from '../model/home-twin.ts';
import { moveOfValue } from './looking.ts';
import { state } from './state.ts';
import { defineTrigger, type Trigger } from './trigger.ts';

interface ModeTrigger extends Trigger {
  readonly type: 'mode';
  readonly mode: string[];
  readonly from?: string[];
}

export const mode = defineTrigger<ModeTrigger>({
  type: 'mode',
  schema: z
    .strictObject({ mode: oneOrMore(z.string()), from: oneOrMore(z.string()).optional(), ...held })
    .transform(typed('mode'))
    .describe('The home changes into a mode'),
  check(trigger, checker, place) {
    checker.modes([...trigger.mode, ...(trigger.from ?? [])], [...place, 'mode']);
  },
  watches: () => [{ twin: HOME_TWIN }],
  move(ready, memory, input, miss) {
    if (input.seen.twin !== HOME_TWIN) return null;
    const { mode: to, ...rest } = ready.trigger;
    return moveOfValue(ready, { ...rest, to }, ['reported', 'mode'], memory, input, miss);
  },
  isMovedBy({ mode: modes }, { twin, property, value }) {
    const isMode = twin === HOME_TWIN && property === 'mode';
    return isMode && (isOpen(value) || modes.some((one) => one === value));
  },
  words: state.words,
});
