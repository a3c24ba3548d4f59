import { and, assign, emit, enqueueActions, not, raise, setup, stateIn } from 'xstate';
import type { Effect, KindInput } from '../../engine/kind.ts';
import {
  batteryRegion,
  isFine,
  isLow,
  lowBatteryCleared,
  lowBatteryRaised,
} from '../battery/battery.ts';
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
import { nearestTarget } from '../room/target-temperature.ts';
import { changed, heard } from '../settings/merge.ts';
import { type Context, newContext, REPORTED } from './context.ts';
import { type commands, SAME_TARGET, type ThermostatEvent } from './events.ts';
import { hasFallen, hasRecovered, remember } from './open-window.ts';
import { DEFAULTS, SETTINGS } from './settings.ts';
import {
  doesWhatIsWanted,
  showsTarget,
  targetInForce,
  wantedHeat,
  wantedTarget,
} from './target.ts';

const MINUTE_MS = 60_000;

export const machine = setup({
  types: {} as {
    context: Context;
    events: ThermostatEvent;
    emitted: Effect<typeof commands>;
    input: KindInput;
  },
  delays: {
    silence: silenceOf,
    boostTime: ({ context }) => (context.boost?.minutes ?? 0) * MINUTE_MS,
    windowLimit: ({ context }) => context.settings.windowLimitMinutes * MINUTE_MS,
  },
  guards: {
    ...linkGuards,
    isInTouch: not(stateIn({ link: 'offline' })),
    anotherTargetIsWanted: ({ context }) => wantedTarget(context) !== context.pursued.target,
    noTargetIsWanted: ({ context }) => context.pursued.target === null,
    deviceShowsTarget: ({ context }) =>
      context.pursued.target !== null && showsTarget(context, context.pursued.target),
    isAboutTarget: ({ event }) => 'name' in event && event.name === 'set-target',
    targetTurnedByHand: ({ context, event }) => {
      if (event.type !== 'telemetry' || event.targetTemperature === undefined) return false;
      const asked = targetInForce(context);
      return (
        // The first report, ever or after an outage, is how things are, not a change
        context.targetIsKnown &&
        event.targetTemperature !== context.reported.targetTemperature &&
        (asked === null || Math.abs(event.targetTemperature - asked) > SAME_TARGET)
      );
    },
    showsOtherTarget: and([
      'isInTouch',
      ({ context, event }) =>
        event.type === 'telemetry' &&
        event.targetTemperature !== undefined &&
        context.pursued.target !== null &&
        Math.abs(event.targetTemperature - context.pursued.target) > SAME_TARGET,
    ]),
    heatDemandHasChanged: ({ context }) => wantedHeat(context) !== context.pursued.heat,
    heatIsUndecided: ({ context }) => context.pursued.heat === null,
    deviceHeatsAsWanted: ({ context }) => context.reported.heating === context.pursued.heat,
    deviceHeatsOtherwise: and([
      'isInTouch',
      ({ context, event }) => {
        if (event.type !== 'telemetry') return false;
        const heating = event.heating ?? event.on;
        return heating !== undefined && heating !== context.pursued.heat;
      },
    ]),
    isAboutHeat: ({ event }) => 'name' in event && event.name === 'heat',
    doesWhatIsWanted: ({ context }) => doesWhatIsWanted(context),
    temperatureFallsFast: ({ context }) =>
      hasFallen(context.samples, context.reported.temperature, context.settings),
    temperatureRisesAgain: ({ context }) =>
      context.window !== null &&
      hasRecovered(context.window.lowest, context.reported.temperature, context.settings),
    roomPauses: ({ context }) => context.paused,
    roomLetsHeat: ({ context }) => !context.paused,
    batteryIsLow: ({ context }) => isLow(context.reported.battery),
    batteryIsFine: ({ context }) => isFine(context.reported.battery),
  },
  actions: {
    report: assign(({ context, event }) => {
      if (event.type !== 'telemetry') return {};
      const said =
        event.on !== undefined && event.heating === undefined
          ? { ...event, heating: event.on }
          : event;
      const { temperature, targetTemperature, at } = event;
      const known = {
        reported: heard(context.reported, said, REPORTED),
        targetIsKnown: context.targetIsKnown || targetTemperature !== undefined,
      };
      if (temperature === undefined) return known;
      if (context.window === null) {
        return {
          ...known,
          samples: remember(context.samples, [at, temperature], context.settings),
        };
      }
      return { ...known, window: { lowest: Math.min(context.window.lowest, temperature) } };
    }),
    reportToRoom: enqueueActions(({ context, event, enqueue }) => {
      if (event.type !== 'telemetry') return;
      const { temperature, humidity, at } = event;
      if (temperature === undefined && humidity === undefined) return;
      enqueue.emit({
        type: 'tell',
        to: { relation: 'room' },
        event: {
          type: 'member.report',
          member: context.twin,
          ...(temperature !== undefined && { temperature }),
          ...(humidity !== undefined && { humidity }),
          measuredAt: at,
        },
      });
    }),
    configure: assign({
      settings: ({ context, event }) =>
        event.type === 'settings.changed'
          ? changed(context.settings, DEFAULTS, event, SETTINGS)
          : context.settings,
    }),

    distrust: assign({ targetIsKnown: false }),
    announceReturn: raise(({ event }) => linkRestored({ event })),
    raiseOffline: emit(({ context, event }) => offlineRaised({ context, event })),
    clearOffline: emit(offlineCleared),

    wantTarget: assign({
      desired: ({ context, event }) => {
        if (!('targetTemperature' in event) || event.type === 'telemetry') return context.desired;
        const { targetTemperature } = event;
        if (targetTemperature === undefined) return context.desired;
        return targetTemperature === null ? {} : { targetTemperature };
      },
    }),
    adoptTarget: assign({
      desired: ({ context, event }) =>
        event.type === 'telemetry' && event.targetTemperature !== undefined
          ? { targetTemperature: nearestTarget(event.targetTemperature) }
          : context.desired,
    }),
    /** Remembers, before something else comes into force, where to return to, if nobody has said. */
    keepTarget: assign({
      desired: ({ context, event }) => {
        const { paused, boost, desired, reported } = context;
        const something = event.type === 'boost' || ('paused' in event && event.paused);
        if (!something || paused || boost !== null) return desired;
        if (desired.targetTemperature !== undefined) return desired;
        return reported.targetTemperature === undefined
          ? desired
          : { targetTemperature: nearestTarget(reported.targetTemperature) };
      },
    }),
    pursueTarget: assign({
      pursued: ({ context }) => ({ ...context.pursued, target: wantedTarget(context) }),
    }),
    sendTarget: enqueueActions(({ context, enqueue }) => {
      const { target } = context.pursued;
      if (target === null) return;
      enqueue.emit({ type: 'command', name: 'set-target', args: { targetTemperature: target } });
    }),

    pursueHeat: assign({
      pursued: ({ context }) => ({ ...context.pursued, heat: wantedHeat(context) }),
    }),
    sendHeat: enqueueActions(({ context, enqueue }) => {
      const { heat } = context.pursued;
      if (heat !== null) enqueue.emit({ type: 'command', name: 'heat', args: { on: heat } });
    }),
    raiseNotResponding: emit(({ event }) => notRespondingRaised({ event })),
    clearNotResponding: emit(notRespondingCleared),

    takePause: assign({
      paused: ({ context, event }) => ('paused' in event ? event.paused : context.paused),
    }),
    endPause: assign({ paused: false }),

    startBoost: assign({
      boost: ({ context, event }) => {
        if (event.type !== 'boost') return context.boost;
        const { boostMinutes, boostRise } = context.settings;
        const base = context.desired.targetTemperature ?? context.reported.temperature ?? 20;
        return {
          minutes: event.minutes ?? boostMinutes,
          temperature: event.temperature ?? nearestTarget(base + boostRise),
        };
      },
    }),
    endBoost: assign({ boost: null }),

    noteWindow: assign({
      window: ({ context }) => ({ lowest: context.reported.temperature ?? 0 }),
      samples: [],
    }),
    forgetWindow: assign({ window: null }),
    raiseOpenWindow: emit(({ context }) => ({
      type: 'alert',
      key: 'open-window',
      severity: 'info',
      state: 'raised',
      message: `a window seems open: the temperature fell to ${context.reported.temperature} °C within minutes`,
    })),
    clearOpenWindow: emit({
      type: 'alert',
      key: 'open-window',
      severity: 'info',
      state: 'cleared',
      message: 'the window seems closed',
    }),
    tellWindow: emit(({ context }) => ({
      type: 'tell',
      to: { relation: 'room' },
      event: { type: 'member.window', member: context.twin, open: context.window !== null },
    })),

    raiseLowBattery: emit(({ context }) => lowBatteryRaised(context.reported.battery)),
    clearLowBattery: emit(lowBatteryCleared),
  },
}).createMachine({
  id: 'thermostat',
  type: 'parallel',
  context: ({ input }) => newContext(input.twin),
  states: {
    link: linkRegion({ hear: ['report', 'reportToRoom'], lose: ['distrust'] }),

    boost: {
      initial: 'idle',
      on: { boost: { target: '.active', actions: ['keepTarget', 'startBoost'] } },
      states: {
        idle: {},
        active: {
          after: { boostTime: { target: 'idle' } },
          exit: 'endBoost',
          on: {
            boost: {
              target: 'active',
              reenter: true,
              actions: 'startBoost',
            },
            'boost.cancel': { target: 'idle' },
            // Who sets a target now wants that one
            'desired.changed': { target: 'idle' },
            telemetry: { guard: 'targetTurnedByHand', target: 'idle' },
          },
        },
      },
    },

    room: {
      initial: 'heating',
      on: {
        'room.target': { actions: 'wantTarget' },
        'room.welcome': { actions: ['keepTarget', 'wantTarget', 'takePause'] },
        'room.heating': { actions: ['keepTarget', 'takePause'] },
        'room.farewell': { actions: 'endPause' },
      },
      states: {
        heating: { always: { guard: 'roomPauses', target: 'paused' } },
        paused: { always: { guard: 'roomLetsHeat', target: 'heating' } },
      },
    },

    target: pursuit({
      wishHasChanged: 'anotherTargetIsWanted',
      nothingIsWanted: 'noTargetIsWanted',
      deviceComplies: 'deviceShowsTarget',
      isAboutIt: 'isAboutTarget',
      changedByHand: 'targetTurnedByHand',
      showsOther: 'showsOtherTarget',
      isInTouch: 'isInTouch',
      want: 'wantTarget',
      pursue: 'pursueTarget',
      send: 'sendTarget',
      adopt: 'adoptTarget',
    }),

    window: {
      initial: 'closed',
      states: {
        closed: { always: { guard: 'temperatureFallsFast', target: 'open' } },
        open: {
          entry: ['noteWindow', 'raiseOpenWindow', 'tellWindow'],
          exit: ['forgetWindow', 'clearOpenWindow', 'tellWindow'],
          always: { guard: 'temperatureRisesAgain', target: 'closed' },
          after: { windowLimit: { target: 'closed' } },
          on: { 'room.welcome': { actions: 'tellWindow' } },
        },
      },
    },

    regulation: {
      initial: 'undecided',
      always: { guard: 'heatDemandHasChanged', target: '.deciding' },
      on: { 'link.restored': { target: '.deciding' } },
      states: {
        // Nothing commanded: the device regulates, or the temperature is near enough to the target
        undecided: {},
        deciding: {
          entry: 'pursueHeat',
          always: [
            { guard: 'heatIsUndecided', target: 'undecided' },
            { guard: 'deviceHeatsAsWanted', target: 'asWanted' },
            { target: 'commanded' },
          ],
        },
        // A command is on its way or got lost on it: what the device reported before proves nothing
        insisting: {
          entry: 'pursueHeat',
          always: [{ guard: 'heatIsUndecided', target: 'undecided' }, { target: 'commanded' }],
        },
        commanded: {
          entry: 'sendHeat',
          always: { guard: 'heatDemandHasChanged', target: 'insisting' },
          on: {
            'intent.confirmed': { guard: 'isAboutHeat', target: 'deciding' },
            'intent.expired': { guard: 'isAboutHeat', target: 'unanswered' },
            'intent.failed': { guard: 'isAboutHeat', target: 'unanswered' },
          },
        },
        asWanted: { on: { telemetry: { guard: 'deviceHeatsOtherwise', target: 'deciding' } } },
        // Once a report, not in a loop
        unanswered: {
          always: { guard: 'heatDemandHasChanged', target: 'insisting' },
          on: { telemetry: { guard: 'isInTouch', target: 'deciding' } },
        },
      },
    },

    response: responseRegion,
    battery: batteryRegion,
  },
});
