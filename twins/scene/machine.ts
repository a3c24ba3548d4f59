import { assign, enqueueActions, setup } from 'xstate';
import type { Effect, KindInput } from '../../engine/kind.ts';
import { changed } from '../settings/merge.ts';
import { type Context, newContext, wantedBefore } from './context.ts';
import type { SceneEvent } from './events.ts';
import { DEFAULTS, SETTINGS } from './settings.ts';
import { isMoving, nextStepAt, stepped, transitionTo } from './transition.ts';
import { filtered, overlaid, type Wishes, wishesNow } from './wishes.ts';

export const machine = setup({
  types: {} as { context: Context; events: SceneEvent; emitted: Effect; input: KindInput },
  delays: {
    untilNextStep: ({ context: { transition }, event }) =>
      transition === null ? 0 : Math.max(1, nextStepAt(transition) - event.at),
  },
  guards: {
    isUnderWay: ({ context }) => context.transition !== null,
  },
  actions: {
    configure: assign({
      settings: ({ context, event }) =>
        event.type === 'settings.changed'
          ? changed(context.settings, DEFAULTS, event, SETTINGS)
          : context.settings,
    }),
    captureWishes: assign({
      settings: ({ context: { settings }, event }) => ({
        ...settings,
        entries: overlaid(settings.entries, wishesNow(settings.entries, event.facts ?? {})),
      }),
    }),
    rememberWishes: assign({
      before: ({ context, event }) => wantedBefore(context, event.facts ?? {}),
    }),
    setOut: assign(({ context: { settings }, event }) => {
      const asked = event.type === 'apply' ? event.transitionMs : undefined;
      const ms = asked ?? settings.transitionMs ?? 0;
      return {
        priority: event.senderPriority ?? 0,
        reported: { active: true, appliedAt: event.at },
        transition: transitionTo(settings.entries, event.facts ?? {}, ms, event.at),
      };
    }),
    tellWhatDoesNotMove: enqueueActions(({ context, enqueue }) => {
      const { settings, transition, priority } = context;
      const still = filtered(settings.entries, (twin, key) => !isMoving(transition, twin, key));
      for (const effect of tellsOf(still, priority)) enqueue.emit(effect);
    }),
    takeStep: enqueueActions(({ context: { transition, priority }, event, enqueue }) => {
      if (transition === null) return;
      const { told, rest } = stepped(transition, event.facts ?? {}, event.at);
      enqueue.assign({ transition: rest });
      for (const effect of tellsOf(told, priority)) enqueue.emit(effect);
    }),
    tellFormerWishes: enqueueActions(({ context, event, enqueue }) => {
      for (const effect of tellsOf(context.before, event.senderPriority)) enqueue.emit(effect);
    }),
    letGo: assign(({ context: { reported } }) => ({
      reported: { ...reported, active: false },
      before: {},
      transition: null,
    })),
  },
}).createMachine({
  id: 'scene',
  initial: 'inactive',
  context: newContext,
  on: {
    'settings.changed': { actions: 'configure' },
    capture: { actions: 'captureWishes' },
    apply: { target: '.active', actions: ['rememberWishes', 'setOut', 'tellWhatDoesNotMove'] },
  },
  states: {
    inactive: {},
    active: {
      initial: 'settled',
      on: { revert: { target: 'inactive', actions: ['tellFormerWishes', 'letGo'] } },
      states: {
        settled: { always: { guard: 'isUnderWay', target: 'moving' } },
        moving: { after: { untilNextStep: { target: 'settled', actions: 'takeStep' } } },
      },
    },
  },
});

function tellsOf(wishes: Wishes, priority = 0): Effect[] {
  return Object.entries(wishes).map(([to, values]) => ({
    type: 'tell',
    to,
    event: { ...values, type: 'desired.changed' },
    ...(priority > 0 && { claim: { priority } }),
  }));
}
