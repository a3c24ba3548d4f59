/** The kind `kit`: what it is to bring into its home, and how far that has come. */
import { assign, setup } from 'xstate';
import { z } from 'zod';
import { defineKind, type Effect, type EventsOf, type JsonObject } from '../../../engine/kind.ts';
import type { Kit } from './kit-definition.ts';
import type { Part } from './part.ts';

const data = z.record(z.string(), z.json());
const parts = z.array(data);
const events = {
  /** It is to be installed, or another version of it. Checked before; its parts follow. */
  'kit.wanted': z.object({
    definition: data,
    source: z.string().nullable(),
    inputs: data,
    parts,
  }),
  /** All of it is there. */
  'kit.installed': z.object({ parts }),
  /** It is to go, with all that it has brought. */
  'kit.unwanted': z.object({}),
};

export type Context = {
  definition: Kit | null;
  /** The author's own text, where there was one. */
  source: string | null;
  inputs: JsonObject;
  /** The parts in the order in which they are made; they are written down before they are. */
  parts: Part[];
};

const machine = setup({
  types: {} as { context: Context; events: EventsOf<typeof events>; emitted: Effect },
  actions: {
    want: assign(({ context, event }) =>
      event.type === 'kit.wanted'
        ? {
            definition: event.definition as unknown as Kit,
            source: event.source,
            inputs: event.inputs,
            parts: event.parts as unknown as Part[],
          }
        : context,
    ),
    have: assign({
      parts: ({ context, event }) =>
        event.type === 'kit.installed' ? (event.parts as unknown as Part[]) : context.parts,
    }),
  },
}).createMachine({
  id: 'kit',
  context: { definition: null, source: null, inputs: {}, parts: [] },
  initial: 'empty',
  states: {
    empty: { on: { 'kit.wanted': { target: 'installing', actions: 'want' } } },
    installing: {
      on: {
        'kit.wanted': { target: 'installing', actions: 'want' },
        'kit.installed': { target: 'installed', actions: 'have' },
        'kit.unwanted': { target: 'removing' },
      },
    },
    installed: {
      on: {
        'kit.wanted': { target: 'installing', actions: 'want' },
        'kit.unwanted': { target: 'removing' },
      },
    },
    removing: {},
  },
});

export const kit = defineKind({
  kind: 'kit',
  version: 1,
  description: 'Twins, scenes, blueprints and rules that are installed and removed together.',
  events,
  commands: {},
  measurements: {},
  machine,
  isDevice: false,
  senders: { 'kit.wanted': ['engine'], 'kit.installed': ['engine'], 'kit.unwanted': ['engine'] },
  view: ({ definition, parts: all }) => ({
    reported: { version: definition?.version ?? null, parts: all.length },
    desired: {},
    settings: definition ? { name: definition.name ?? definition.kit } : {},
  }),
});
