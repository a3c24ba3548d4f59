import { assign, setup } from 'xstate';
import type { Effect, KindInput } from '../../engine/kind.ts';
import { changed } from '../settings/merge.ts';
import { type Context, firstMode, newContext, reportedIn } from './context.ts';
import type { HomeEvent } from './events.ts';
import { DEFAULTS, SETTINGS } from './settings.ts';

export const machine = setup({
  types: {} as { context: Context; events: HomeEvent; emitted: Effect; input: KindInput },
  delays: {
    stay: ({ event }) => (event.type === 'mode.set' ? (event.for ?? 0) : 0),
  },
  guards: {
    namesKnownMode: ({ context, event }) => isKnown(modeNamedBy(event), context),
    namesKnownModeForATime: ({ context, event }) =>
      event.type === 'mode.set' && event.for !== undefined && isKnown(modeNamedBy(event), context),
    wantsNothing: ({ event }) => event.type === 'desired.changed' && event.mode === null,
    losesPresentMode: ({ context, event }) =>
      event.type === 'settings.changed' &&
      event.modes !== undefined &&
      !(event.modes ?? DEFAULTS.modes).includes(context.reported.mode),
  },
  actions: {
    configure: assign({
      settings: ({ context, event }) =>
        event.type === 'settings.changed'
          ? changed(context.settings, DEFAULTS, event, SETTINGS)
          : context.settings,
    }),
    takeMode: assign(({ context, event }) => {
      const mode = modeNamedBy(event);
      if (mode === null) return {};
      return { ...reportedIn(mode, context, event.at), desired: { mode } };
    }),
    takeFirstMode: assign(({ context, event }) => ({
      ...reportedIn(firstMode(context.settings), context, event.at),
      desired: {},
    })),
    wantNothing: assign({ desired: {} }),
    // One limited stay after another leads back to the mode that lasted
    rememberMode: assign({ lasting: ({ context }) => context.lasting ?? context.reported.mode }),
    forgetRememberedMode: assign({ lasting: null }),
    goBack: assign(({ context, event }) => {
      const { lasting, settings, desired } = context;
      const mode = lasting !== null && isKnown(lasting, context) ? lasting : firstMode(settings);
      return {
        ...reportedIn(mode, context, event.at),
        desired: desired.mode === undefined ? desired : { mode },
      };
    }),
  },
}).createMachine({
  id: 'home',
  type: 'parallel',
  context: ({ input }) => newContext(input.at),
  // It stands in the journal, for those who listen
  on: { message: {} },
  states: {
    stay: {
      initial: 'lasting',
      on: {
        'desired.changed': [
          { guard: 'namesKnownMode', target: '.lasting', actions: 'takeMode' },
          { guard: 'wantsNothing', actions: 'wantNothing' },
        ],
        'mode.set': [
          {
            guard: 'namesKnownModeForATime',
            target: '.limited',
            actions: ['rememberMode', 'takeMode'],
          },
          { guard: 'namesKnownMode', target: '.lasting', actions: 'takeMode' },
        ],
        'settings.changed': [
          {
            guard: 'losesPresentMode',
            target: '.lasting',
            actions: ['configure', 'takeFirstMode'],
          },
          { actions: 'configure' },
        ],
      },
      states: {
        lasting: { entry: 'forgetRememberedMode' },
        limited: { after: { stay: { target: 'lasting', actions: 'goBack' } } },
      },
    },
  },
});

function modeNamedBy(event: HomeEvent): string | null {
  return event.type === 'desired.changed' || event.type === 'mode.set'
    ? (event.mode ?? null)
    : null;
}

function isKnown(mode: string | null, { settings }: Context): boolean {
  return mode !== null && settings.modes.includes(mode);
}
