/** Ends the run. */
import { z } from 'zod';
import { typed } from '../language/schemas.ts';
import { type Action, defineAction } from './action.ts';

interface StopAction extends Action {
  readonly type: 'stop';
  readonly reason?: string;
}

export const stop = defineAction<StopAction>({
  type: 'stop',
  schema: () =>
    z
      .strictObject({ stop: z.union([z.literal(true), z.string()]) })
      .transform(({ stop: why }) => typed('stop')(why === true ? {} : { reason: why })),
  parts: { stop: 'plain' },
  isLast: true,
  compile({ reason }, place, assembler) {
    assembler.add({ place, operands: [], execute: (step) => step.end('stopped', reason) });
  },
});
