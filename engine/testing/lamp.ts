import { assign, emit, setup } from 'xstate';
import { z } from 'zod';
import { command, defineKind, type Effect, type EventsOf, intentEvents } from '../kind.ts';

const events = {
  telemetry: z.object({ on: z.boolean().optional(), power: z.number().optional() }),
  'desired.changed': z.object({ on: z.boolean() }),
  'settings.changed': z.object({ autoOffMs: z.number().nullable() }),
  'intent.expired': intentEvents['intent.expired'],
  'intent.confirmed': intentEvents['intent.confirmed'],
  echo: z.object({ to: z.string() }),
  explode: z.object({}),
  daily: z.object({}),
  startDaily: z.object({ catchUp: z.number().optional(), skip: z.number().optional() }),
};
const commands = {
  switch: command({
    args: z.object({ on: z.boolean() }),
    expect: ({ on }) => ({ on }),
    ttl: 30_000,
  }),
  blink: command({ args: z.object({ times: z.number() }), supersedes: false }),
};

type Context = {
  reported: { on?: boolean; power?: number };
  desired: { on?: boolean };
  settings: { autoOffMs: number | null };
  days: { at: number; late: number }[];
};

const machine = setup({
  types: {} as {
    context: Context;
    events: EventsOf<typeof events>;
    emitted: Effect<typeof commands>;
  },
  guards: {
    isOn: ({ context }) => context.reported.on === true,
    isOff: ({ context }) => context.reported.on === false,
    hasAutoOff: ({ context }) => context.settings.autoOffMs !== null,
  },
  delays: { autoOff: ({ context }) => context.settings.autoOffMs ?? 3_600_000 },
}).createMachine({
  id: 'lamp',
  initial: 'off',
  context: { reported: {}, desired: {}, settings: { autoOffMs: null }, days: [] },
  on: {
    telemetry: {
      actions: assign({
        reported: ({ context, event }) => ({
          ...context.reported,
          ...(event.on !== undefined && { on: event.on }),
          ...(event.power !== undefined && { power: event.power }),
        }),
      }),
    },
    'desired.changed': {
      actions: [
        assign({ desired: ({ event }) => ({ on: event.on }) }),
        emit(({ event }) => ({ type: 'command', name: 'switch', args: { on: event.on } })),
      ],
    },
    'settings.changed': {
      actions: assign({ settings: ({ event }) => ({ autoOffMs: event.autoOffMs }) }),
    },
    'intent.expired': {
      actions: emit({
        type: 'alert',
        key: 'silent',
        severity: 'warning',
        state: 'raised',
        message: 'does not follow',
      }),
    },
    'intent.confirmed': {
      actions: emit({
        type: 'alert',
        key: 'silent',
        severity: 'warning',
        state: 'cleared',
        message: 'follows again',
      }),
    },
    echo: {
      actions: emit(({ event }) => ({
        type: 'tell',
        to: event.to,
        event: { type: 'echo', to: event.to },
      })),
    },
    explode: {
      guard: () => {
        throw new Error('boom');
      },
      target: '.off',
    },
    startDaily: {
      actions: emit(({ event }) => ({
        type: 'schedule',
        id: 'daily',
        cron: '30 2 * * *',
        timezone: 'Europe/Berlin',
        event: { type: 'daily' },
        ...(event.catchUp !== undefined && {
          lateness: { policy: 'catchUp' as const, n: event.catchUp },
        }),
        ...(event.skip !== undefined && {
          lateness: { policy: 'skip' as const, bound: event.skip },
        }),
      })),
    },
    daily: {
      actions: assign({
        days: ({ context, event }) => [...context.days, { at: event.at, late: event.late ?? 0 }],
      }),
    },
  },
  states: {
    off: { always: { guard: 'isOn', target: 'on' } },
    on: {
      always: { guard: 'isOff', target: 'off' },
      after: {
        autoOff: {
          guard: 'hasAutoOff',
          target: 'off',
          actions: [
            assign({ reported: ({ context }) => ({ ...context.reported, on: false }) }),
            emit({ type: 'command', name: 'switch', args: { on: false } }),
          ],
        },
      },
    },
  },
});

/** A small kind for the engine's own tests. */
export const lamp = defineKind({
  kind: 'lamp',
  version: 1,
  description: 'A lamp for tests',
  events,
  commands,
  measurements: { power: { unit: 'W' } },
  machine,
  view: ({ reported, desired, settings, days }) => ({
    reported: { ...reported, days },
    desired,
    settings,
  }),
});
