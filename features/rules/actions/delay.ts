/** Waits for a span. */
import { z } from 'zod';
import { formatDuration } from '../language/duration.ts';
import { typed, wait } from '../language/schemas.ts';
import { type Action, defineAction } from './action.ts';

interface DelayAction extends Action {
  readonly type: 'delay';
  readonly ms: number;
}

export const delay = defineAction<DelayAction>({
  type: 'delay',
  schema: () =>
    z.strictObject({ delay: wait }).transform(({ delay: ms }) => typed('delay')({ ms })),
  parts: { delay: 'plain' },
  compile({ ms }, place, assembler) {
    assembler.add({
      place,
      operands: [],
      execute: (step) => step.wait({ type: 'delay' }, ms, formatDuration(ms)),
      timeIsUp: (step) => step.resume(),
    });
  },
});
