import { assign, setup } from 'xstate';
import { z } from 'zod';
import { defineKind, type Effect, type EventsOf, type JsonObject } from '../kind.ts';

const events = { telemetry: z.looseObject({ value: z.number().optional() }) };

const machine = setup({
  types: {} as {
    context: { reported: JsonObject };
    events: EventsOf<typeof events>;
    emitted: Effect;
  },
}).createMachine({
  context: { reported: {} },
  on: {
    telemetry: {
      actions: assign({
        reported: ({ context: { reported }, event: { type: _type, at: _at, ...said } }) => ({
          ...reported,
          ...(said as JsonObject),
        }),
      }),
    },
  },
});

/** A gauge for tests: takes any field, measures some of awkward names, and folds what comes late. */
export const gauge = defineKind({
  kind: 'gauge',
  version: 1,
  description: 'A gauge for tests',
  events,
  commands: {},
  measurements: { value: { unit: 'x' }, constructor: { unit: 'x' }, toString: { unit: 'x' } },
  foldsLate: ['telemetry'],
  machine,
  view: ({ reported }) => ({ reported, desired: {}, settings: {} }),
});
