/** Two small kinds that show everything the API can show. */
import { assign, emit, setup } from 'xstate';
import { z } from 'zod';
import {
  command,
  defineKind,
  type Effect,
  type EventsOf,
  intentEvents,
  memberEvents,
} from '../../../engine/kind.ts';

const lampEvents = {
  telemetry: z.object({ on: z.boolean().optional(), power: z.number().optional() }),
  'desired.changed': z.object({ on: z.boolean().nullable().optional() }),
  'settings.changed': z.object({ limit: z.number().min(1).optional() }),
  'intent.failed': intentEvents['intent.failed'],
  remind: z.object({}),
  /** A bug in the kind. */
  break: z.object({}),
};
const lampCommands = {
  switch: command({ args: z.object({ on: z.boolean() }), expect: ({ on }) => ({ on }) }),
  blink: command({ args: z.object({ times: z.int().positive() }), ttl: 5_000, supersedes: false }),
};

interface LampContext {
  reported: { on?: boolean; power?: number };
  desired: { on?: boolean };
  settings: { limit: number };
  reminded: number;
}

const lampMachine = setup({
  types: {} as {
    context: LampContext;
    events: EventsOf<typeof lampEvents>;
    emitted: Effect<typeof lampCommands>;
  },
  guards: {
    isOn: ({ context }) => context.reported.on === true,
    isOff: ({ context }) => context.reported.on === false,
    overloaded: ({ context }) => (context.reported.power ?? 0) > context.settings.limit,
    relieved: ({ context }) => (context.reported.power ?? 0) <= context.settings.limit,
  },
  delays: { autoOff: 600_000 },
  actions: {
    report: assign({
      reported: ({ context, event }) => {
        if (event.type !== 'telemetry') return context.reported;
        const { on = context.reported.on, power = context.reported.power } = event;
        return { ...(on !== undefined && { on }), ...(power !== undefined && { power }) };
      },
    }),
    want: assign({
      desired: ({ event }) =>
        event.type === 'desired.changed' && event.on != null ? { on: event.on } : {},
    }),
    configure: assign({
      settings: ({ context, event }) =>
        event.type === 'settings.changed'
          ? { limit: event.limit ?? context.settings.limit }
          : context.settings,
    }),
    countReminder: assign({ reminded: ({ context }) => context.reminded + 1 }),
    pursue: emit(({ context }) => ({
      type: 'command',
      name: 'switch',
      args: { on: context.desired.on ?? false },
    })),
    raise: emit(({ context }) => ({
      type: 'alert',
      key: 'overload',
      severity: 'critical',
      state: 'raised',
      message: `draws ${context.reported.power} W`,
      data: { limit: context.settings.limit },
    })),
    clear: emit({
      type: 'alert',
      key: 'overload',
      severity: 'critical',
      state: 'cleared',
      message: 'is fine again',
    }),
    break: assign(() => {
      throw new Error('a bug with /secret/path in it');
    }),
  },
}).createMachine({
  id: 'lamp',
  type: 'parallel',
  context: { reported: {}, desired: {}, settings: { limit: 100 }, reminded: 0 },
  on: {
    telemetry: { actions: 'report' },
    'desired.changed': { actions: ['want', 'pursue'] },
    'settings.changed': { actions: 'configure' },
    remind: { actions: 'countReminder' },
    break: { actions: 'break' },
  },
  states: {
    power: {
      initial: 'off',
      states: {
        off: { always: { guard: 'isOn', target: 'on' } },
        on: {
          always: { guard: 'isOff', target: 'off' },
          after: { autoOff: { actions: 'pursue' } },
        },
      },
    },
    load: {
      initial: 'normal',
      states: {
        normal: { always: { guard: 'overloaded', target: 'high' } },
        high: { entry: 'raise', exit: 'clear', always: { guard: 'relieved', target: 'normal' } },
      },
    },
  },
});

export const lamp = defineKind({
  kind: 'lamp',
  version: 1,
  description: 'A lamp for tests.',
  events: lampEvents,
  commands: lampCommands,
  measurements: { power: { unit: 'W' } },
  machine: lampMachine,
  view: ({ reported, desired, settings }) => ({ reported, desired, settings: { ...settings } }),
});

const nookMachine = setup({
  types: {} as {
    context: { members: string[] };
    events: EventsOf<typeof memberEvents>;
    emitted: Effect;
  },
  actions: {
    join: assign({
      members: ({ context, event }) => [...context.members, event.member],
    }),
    leave: assign({
      members: ({ context, event }) => context.members.filter((member) => member !== event.member),
    }),
  },
}).createMachine({
  id: 'nook',
  context: { members: [] },
  initial: 'there',
  states: {
    there: { on: { 'member.joined': { actions: 'join' }, 'member.left': { actions: 'leave' } } },
  },
});

export const nook = defineKind({
  kind: 'nook',
  version: 1,
  description: 'A room for tests.',
  events: memberEvents,
  commands: {},
  measurements: {},
  machine: nookMachine,
  view: ({ members }) => ({ reported: { members }, desired: {}, settings: {} }),
});
