/** A twin that tells another whatever it is asked to, for tests of what twins may say to each other. */
import { emit, setup } from 'xstate';
import { z } from 'zod';
import { defineKind, type Effect, type EventsOf } from '../kind.ts';

const events = {
  say: z.object({
    to: z.string(),
    what: z.looseObject({ type: z.string() }),
    claim: z.object({ priority: z.number(), holdMs: z.number().optional() }).optional(),
    /** Chosen as an author of a rule would. */
    authored: z.boolean().optional(),
  }),
};
type Told = Extract<Effect, { type: 'tell' }>;

export const teller = defineKind({
  kind: 'teller',
  version: 1,
  description: 'Tells others what it is asked to.',
  events,
  commands: {},
  measurements: {},
  machine: setup({
    types: {} as { context: object; events: EventsOf<typeof events>; emitted: Effect },
  }).createMachine({
    context: {},
    on: {
      say: {
        actions: emit(
          ({ event: { to, what, claim, authored } }): Told => ({
            type: 'tell',
            to,
            event: what as Told['event'],
            ...(claim && { claim: claim as NonNullable<Told['claim']> }),
            ...(authored && { authored }),
          }),
        ),
      },
    },
  }),
  view: () => ({ reported: {}, desired: {}, settings: {} }),
});
