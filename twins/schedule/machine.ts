import { assign, enqueueActions, setup } from 'xstate';
import type { Effect, KindInput } from '../../engine/kind.ts';
import { changed } from '../settings/merge.ts';
import { type Context, inForce, newContext } from './context.ts';
import type { ScheduleEvent } from './events.ts';
import { cronsOf, plannedAt } from './plan.ts';
import { DEFAULTS, SETTINGS } from './settings.ts';

export const machine = setup({
  types: {} as { context: Context; events: ScheduleEvent; emitted: Effect; input: KindInput },
  guards: {
    isOn: ({ context }) => inForce(context).active,
    isOff: ({ context }) => !inForce(context).active,
  },
  actions: {
    configure: assign({
      settings: ({ context, event }) =>
        event.type === 'settings.changed'
          ? changed(context.settings, DEFAULTS, event, SETTINGS)
          : context.settings,
    }),
    moveToTimezone: assign({
      timezone: ({ context, event }) =>
        event.type === 'home.changed' ? event.timezone : context.timezone,
    }),
    unschedulePlan: enqueueActions(({ context, enqueue }) => {
      for (const time of cronsOf(context.settings).keys()) {
        enqueue.emit({ type: 'unschedule', id: `plan:${time}` });
      }
    }),
    schedulePlan: enqueueActions(({ context, enqueue }) => {
      for (const [time, cron] of cronsOf(context.settings)) {
        enqueue.emit({
          type: 'schedule',
          id: `plan:${time}`,
          cron,
          timezone: context.timezone,
          event: { type: 'plan.point' },
        });
      }
    }),
    lookUpPlan: assign({
      planned: ({ context, event }) => plannedAt(context.settings, event.at, context.timezone),
    }),
    override: assign({
      desired: ({ context, event }) => {
        if (event.type !== 'desired.changed' || event.override === undefined) {
          return context.desired;
        }
        return event.override === null ? {} : { override: event.override };
      },
    }),
  },
}).createMachine({
  id: 'schedule',
  initial: 'idle',
  context: ({ input }) => newContext(input.timezone),
  on: {
    'settings.changed': {
      actions: ['unschedulePlan', 'configure', 'schedulePlan', 'lookUpPlan'],
    },
    'home.changed': { actions: ['moveToTimezone', 'schedulePlan', 'lookUpPlan'] },
    'plan.point': { actions: 'lookUpPlan' },
    'desired.changed': { actions: 'override' },
  },
  states: {
    idle: { always: { guard: 'isOn', target: 'active' } },
    active: { always: { guard: 'isOff', target: 'idle' } },
  },
});
