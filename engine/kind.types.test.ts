/** What must not compile. The compiler is the test: an error that no longer occurs is one itself. */

import { expect, it } from 'vitest';
import { assign, emit, setup } from 'xstate';
import { z } from 'zod';
import { defineKind } from './kernel/define-kind.ts';
import { command, type Effect } from './kind.ts';
import type { EventsOf, KindInput } from './model/kind.ts';

const events = {
  telemetry: z.object({ level: z.number().optional() }),
  reset: z.object({}),
};
const commands = {
  open: command({
    args: z.object({ percent: z.number() }),
    expect: (args) => ({ level: args.percent }),
  }),
};
type Context = { reported: { level?: number } };

const blind = setup({
  types: {} as {
    context: Context;
    events: EventsOf<typeof events>;
    emitted: Effect<typeof commands>;
    input: KindInput;
  },
  actions: {
    report: assign({
      reported: ({ context, event }) =>
        event.type === 'telemetry' && event.level !== undefined
          ? { level: event.level }
          : context.reported,
    }),
    open: emit({ type: 'command', name: 'open', args: { percent: 100 } }),
    // @ts-expect-error a command's argument of the wrong type
    openWrongly: emit({ type: 'command', name: 'open', args: { percent: 'all' } }),
    // @ts-expect-error a command without its argument
    openSomehow: emit({ type: 'command', name: 'open', args: {} }),
    // @ts-expect-error a command that the kind does not have
    explode: emit({ type: 'command', name: 'explode', args: {} }),
    // @ts-expect-error an effect that does not exist
    sing: emit({ type: 'sing' }),
    // @ts-expect-error an alert of no severity
    warn: emit({ type: 'alert', key: 'k', severity: 'dire', state: 'raised', message: 'm' }),
    // @ts-expect-error a field that the context does not have
    forget: assign({ nothing: 1 }),
  },
  guards: {
    // An event without fields keeps its type and its time
    isReset: ({ event }) => event.type === 'reset' && event.at > 0,
    // @ts-expect-error an event that the kind does not have
    isStart: ({ event }) => event.type === 'start',
  },
});

const machine = blind.createMachine({
  context: { reported: {} },
  on: {
    telemetry: { actions: 'report' },
    // @ts-expect-error an action that setup() does not define
    reset: { actions: 'rest' },
  },
});

const good = blind.createMachine({
  context: { reported: {} },
  on: { telemetry: { actions: ['report', 'open'] }, reset: { guard: 'isReset', actions: 'open' } },
});

const shared = {
  kind: 'blind',
  version: 1,
  description: 'Opens and closes.',
  measurements: { level: { unit: '%' } },
  view: ({ reported }: Context) => ({ reported, desired: {}, settings: {} }),
} as const;

it('lets a kind pass whose machine fits its schemas', () => {
  expect(defineKind({ ...shared, events, commands, machine: good }).kind).toBe('blind');
  expect(machine.config.on).toBeDefined();
});

it('compiles no kind whose machine emits commands that it does not declare', () => {
  const tacit = { ...shared, events, commands: {}, machine: good };
  // @ts-expect-error the machine emits `open`, the kind has no commands
  const undeclared = () => defineKind(tacit);
  expect(undeclared).toBeTypeOf('function');
});

it('compiles no kind whose machine knows events without a schema', () => {
  const half = { ...shared, commands, events: { telemetry: events.telemetry }, machine: good };
  // @ts-expect-error the machine knows `reset`, the kind does not
  const deaf = () => defineKind(half);
  expect(deaf).toBeTypeOf('function');
});

it('compiles no expectation that reads an argument the command does not have', () => {
  const expectation = () =>
    command({
      args: z.object({ percent: z.number() }),
      // @ts-expect-error the argument is called percent
      expect: (args) => ({ level: args.level }),
    });
  expect(expectation).toBeTypeOf('function');
});
