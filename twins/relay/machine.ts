import { and, assign, emit, enqueueActions, not, raise, setup, stateIn } from 'xstate';
import type { Effect, KindInput } from '../../engine/kind.ts';
import {
  linkGuards,
  linkRegion,
  linkRestored,
  offlineCleared,
  offlineRaised,
  silenceOf,
} from '../link/link.ts';
import { pursuit } from '../pursuit/pursuit.ts';
import { notRespondingCleared, notRespondingRaised, responseRegion } from '../response/response.ts';
import { changed, heard } from '../settings/merge.ts';
import { type Context, newContext, REPORTED } from './context.ts';
import type { commands, RelayEvent } from './events.ts';
import { DEFAULTS, SETTINGS } from './settings.ts';

/** A load at the limit must not flap. */
const RELIEVED = 0.9;

export const machine = setup({
  types: {} as {
    context: Context;
    events: RelayEvent;
    emitted: Effect<typeof commands>;
    input: KindInput;
  },
  delays: {
    silence: silenceOf,
    autoOff: ({ context }) => context.settings.autoOffMs ?? 0,
  },
  guards: {
    ...linkGuards,
    isInTouch: not(stateIn({ link: 'offline' })),
    anotherPositionIsWanted: ({ context }) => (context.desired.on ?? null) !== context.pursued,
    noPositionIsWanted: ({ context }) => context.pursued === null,
    deviceIsInPosition: ({ context }) => context.reported.on === context.pursued,
    isAboutSwitch: ({ event }) => 'name' in event && event.name === 'switch',
    switchedByHand: ({ context, event }) =>
      event.type === 'telemetry' &&
      event.on !== undefined &&
      // The first report, ever or after an outage, is how things are, not a change
      context.positionIsKnown &&
      event.on !== context.reported.on &&
      event.on !== context.desired.on,
    showsOtherPosition: and([
      'isInTouch',
      ({ context, event }) =>
        event.type === 'telemetry' &&
        event.on !== undefined &&
        context.pursued !== null &&
        event.on !== context.pursued,
    ]),
    doesWhatIsWanted: ({ context }) =>
      context.pursued === null || context.reported.on === context.pursued,
    isOn: ({ context }) => context.reported.on === true,
    isOff: ({ context }) => context.reported.on === false,
    staysOnForLimitedTime: ({ context }) =>
      context.reported.on === true && context.settings.autoOffMs !== undefined,
    staysOnForGood: ({ context }) =>
      context.reported.on !== true || context.settings.autoOffMs === undefined,
    asksForOn: ({ event }) => event.type === 'desired.changed' && event.on === true,
    changesAutoOff: ({ event }) =>
      event.type === 'settings.changed' && event.autoOffMs !== undefined,
    isOverloaded: ({ context }) => (context.reported.power ?? 0) > context.settings.overloadWatts,
    isRelieved: ({ context }) =>
      (context.reported.power ?? 0) < context.settings.overloadWatts * RELIEVED,
  },
  actions: {
    report: assign(({ context, event }) =>
      event.type === 'telemetry'
        ? {
            reported: heard(context.reported, event, REPORTED),
            positionIsKnown: context.positionIsKnown || event.on !== undefined,
          }
        : {},
    ),
    configure: assign({
      settings: ({ context, event }) =>
        event.type === 'settings.changed'
          ? changed(context.settings, DEFAULTS, event, SETTINGS)
          : context.settings,
    }),

    distrust: assign({ positionIsKnown: false }),
    announceReturn: raise(({ event }) => linkRestored({ event })),
    raiseOffline: emit(({ context, event }) => offlineRaised({ context, event })),
    clearOffline: emit(offlineCleared),

    want: assign({
      desired: ({ context, event }) => {
        if (event.type !== 'desired.changed' || event.on === undefined) return context.desired;
        return event.on === null ? {} : { on: event.on };
      },
    }),
    wantOpposite: assign({
      // What is wanted counts before what is: a second toggle takes the first one back
      desired: ({ context }) => ({ on: !(context.desired.on ?? context.reported.on ?? false) }),
    }),
    wantOff: assign({ desired: { on: false } }),
    adopt: assign({
      desired: ({ context, event }) =>
        event.type === 'telemetry' && event.on !== undefined ? { on: event.on } : context.desired,
    }),
    pursue: assign({ pursued: ({ context }) => context.desired.on ?? null }),
    switch: enqueueActions(({ context, enqueue }) => {
      const { pursued } = context;
      if (pursued !== null)
        enqueue.emit({ type: 'command', name: 'switch', args: { on: pursued } });
    }),
    raiseNotResponding: emit(({ event }) => notRespondingRaised({ event })),
    clearNotResponding: emit(notRespondingCleared),

    raiseOverload: emit(({ context }) => ({
      type: 'alert',
      key: 'overload',
      severity: 'critical',
      state: 'raised',
      message: `draws ${context.reported.power} W, its limit is ${context.settings.overloadWatts} W`,
    })),
    clearOverload: emit({
      type: 'alert',
      key: 'overload',
      severity: 'critical',
      state: 'cleared',
      message: 'the load is back within its limit',
    }),
  },
}).createMachine({
  id: 'relay',
  type: 'parallel',
  context: newContext,
  states: {
    link: linkRegion({ hear: ['report'], lose: ['distrust'] }),

    power: {
      initial: 'unknown',
      states: {
        unknown: {
          always: [
            { guard: 'isOn', target: 'on' },
            { guard: 'isOff', target: 'off' },
          ],
        },
        off: { always: { guard: 'isOn', target: 'on' } },
        on: { always: { guard: 'isOff', target: 'off' } },
      },
    },

    position: (() => {
      const region = pursuit({
        wishHasChanged: 'anotherPositionIsWanted',
        nothingIsWanted: 'noPositionIsWanted',
        deviceComplies: 'deviceIsInPosition',
        isAboutIt: 'isAboutSwitch',
        changedByHand: 'switchedByHand',
        showsOther: 'showsOtherPosition',
        isInTouch: 'isInTouch',
        want: 'want',
        pursue: 'pursue',
        send: 'switch',
        adopt: 'adopt',
      });
      return { ...region, on: { ...region.on, toggle: { actions: 'wantOpposite' } } } as const;
    })(),

    autoOff: {
      initial: 'idle',
      states: {
        idle: { always: { guard: 'staysOnForLimitedTime', target: 'running' } },
        running: {
          always: { guard: 'staysOnForGood', target: 'idle' },
          after: { autoOff: { target: 'elapsed', actions: 'wantOff' } },
          on: {
            'desired.changed': { guard: 'asksForOn', target: 'running', reenter: true },
            'settings.changed': { guard: 'changesAutoOff', target: 'running', reenter: true },
          },
        },
        // Waits until it is off; asked for again, it runs again
        elapsed: {
          always: { guard: 'staysOnForGood', target: 'idle' },
          on: { 'desired.changed': { guard: 'asksForOn', target: 'running' } },
        },
      },
    },

    load: {
      initial: 'normal',
      states: {
        normal: { always: { guard: 'isOverloaded', target: 'overload' } },
        overload: {
          entry: 'raiseOverload',
          exit: 'clearOverload',
          always: { guard: 'isRelieved', target: 'normal' },
        },
      },
    },

    response: responseRegion,
  },
});
