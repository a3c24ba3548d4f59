/** The kind `blueprint`: a rule with inputs, of which others are made, and a twin of its home. */
import { assign, setup } from 'xstate';
import { z } from 'zod';
import { defineKind, type Effect, type EventsOf } from '../../../engine/kind.ts';
import type { Blueprint } from './blueprint-definition.ts';

const events = {
  /** Another definition takes over. Checked before, and so were the rules that are made from it. */
  'blueprint.defined': z.object({
    definition: z.record(z.string(), z.json()),
    source: z.string().nullable(),
  }),
};

export type Context = {
  definition: Blueprint | null;
  /** The author's own text, where there was one. */
  source: string | null;
  /** How often it has been defined: what a rule is made from has a number. */
  edition: number;
};

const machine = setup({
  types: {} as { context: Context; events: EventsOf<typeof events>; emitted: Effect },
  actions: {
    define: assign(({ context, event }) => ({
      definition: event.definition as unknown as Blueprint,
      source: event.source,
      edition: context.edition + 1,
    })),
  },
}).createMachine({
  id: 'blueprint',
  context: { definition: null, source: null, edition: 0 },
  on: { 'blueprint.defined': { target: '.defined', actions: 'define' } },
  initial: 'empty',
  states: { empty: {}, defined: {} },
});

export const blueprint = defineKind({
  kind: 'blueprint',
  version: 1,
  description: 'A rule with inputs, of which rules are made.',
  events,
  commands: {},
  measurements: {},
  machine,
  isDevice: false,
  senders: { 'blueprint.defined': ['engine'] },
  view: ({ definition, edition }) => ({
    reported: { edition },
    desired: {},
    settings: definition ? { name: definition.name ?? definition.blueprint } : {},
  }),
});
