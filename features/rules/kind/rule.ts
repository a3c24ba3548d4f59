/** The kind `rule`: an automation that is a twin of its home. */
import { enqueueActions, setup } from 'xstate';
import { defineKind, type Effect, type KindInput } from '../../../engine/kind.ts';
import { freshMemory } from '../model/memory.ts';
import type { Context } from './context.ts';
import { onObserved } from './observing.ts';
import { programOf } from './program.ts';
import { events, type RuleEvent } from './rule-events.ts';
import { take } from './take.ts';

const machine = setup({
  types: {} as { context: Context; events: RuleEvent; emitted: Effect; input: KindInput },
  guards: {
    isEnabled: ({ context }) => context.enabled && context.definition !== null,
    isDisabled: ({ context }) => !context.enabled || context.definition === null,
    runs: ({ context }) => context.memory.runs.length > 0,
    rests: ({ context }) => context.memory.runs.length === 0,
  },
  actions: {
    take: enqueueActions(({ context, event, enqueue }) => {
      const taken = take(context, event);
      enqueue.assign(taken.context);
      for (const effect of taken.effects) enqueue.emit(effect);
    }),
  },
}).createMachine({
  id: 'rule',
  type: 'parallel',
  context: ({ input }) => ({
    home: input.home,
    twin: input.twin,
    timezone: input.timezone,
    enabled: true,
    definition: null,
    draftOf: null,
    source: null,
    memory: freshMemory(input.at),
    reported: {
      runs: 0,
      running: 0,
      failures: 0,
      lastRunAt: null,
      lastOutcome: null,
      lastError: null,
      overruled: null,
    },
  }),
  on: {
    'rule.defined': { actions: 'take' },
    'desired.changed': { actions: 'take' },
    'home.changed': { actions: 'take' },
    observed: { actions: 'take' },
    due: { actions: 'take' },
    run: { actions: 'take' },
    'webhook.called': { actions: 'take' },
    'engine.started': { actions: 'take' },
    'desired.overruled': { actions: 'take' },
    'rules.held': { actions: 'take' },
  },
  states: {
    switch: {
      initial: 'disabled',
      states: {
        enabled: { always: { guard: 'isDisabled', target: 'disabled' } },
        disabled: { always: { guard: 'isEnabled', target: 'enabled' } },
      },
    },
    activity: {
      initial: 'idle',
      states: {
        idle: { always: { guard: 'runs', target: 'running' } },
        running: { always: { guard: 'rests', target: 'idle' } },
      },
    },
  },
});

export const rule = defineKind({
  kind: 'rule',
  version: 1,
  description:
    'An automation: it watches twins and clocks, and asks other twins for what is to be done.',
  events,
  commands: {},
  measurements: {},
  machine,
  isDevice: false,
  impulses: ['observed', 'due', 'run', 'webhook.called', 'engine.started'],
  senders: {
    'rule.defined': ['engine'],
    observed: ['engine'],
    due: [],
    'webhook.called': ['engine'],
    'engine.started': ['engine'],
    'rules.held': ['engine'],
    run: ['engine'],
  },
  view: ({ enabled, definition, reported }) => ({
    reported,
    desired: { enabled },
    settings: definition
      ? {
          name: definition.name ?? definition.rule,
          mode: definition.mode,
          priority: definition.priority,
        }
      : {},
  }),
  watches: ({ definition }) => (definition ? programOf(definition).watches : []),
  reads: ({ definition }) => (definition ? programOf(definition).reads : []),
  onObserved,
});
