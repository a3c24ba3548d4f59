import { assign, emit, enqueueActions, raise, setup } from 'xstate';
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
import { changed } from '../settings/merge.ts';
import { type Context, newContext } from './context.ts';
import type { SensorEvent } from './events.ts';
import { judge } from './limits.ts';
import { report } from './report.ts';
import { DEFAULTS, SETTINGS } from './settings.ts';

export const machine = setup({
  types: {} as { context: Context; events: SensorEvent; emitted: Effect; input: KindInput },
  delays: { silence: silenceOf },
  guards: {
    ...linkGuards,
    isOpen: ({ context }) => context.reported.contact === false,
    isClosed: ({ context }) => context.reported.contact === true,
    seesSmoke: ({ context }) => context.reported.smoke === true,
    seesNoSmoke: ({ context }) => context.reported.smoke !== true,
    feelsWater: ({ context }) => context.reported.waterLeak === true,
    feelsNoWater: ({ context }) => context.reported.waterLeak !== true,
    hasLimits: ({ context }) => Object.keys(context.settings.limits).length > 0,
    isBeyondLimit: ({ context }) => context.exceeded.length > 0,
    isWithinLimits: ({ context }) => context.exceeded.length === 0,
    batteryIsLow: ({ context }) => isLow(batteryOf(context)),
    batteryIsFine: ({ context }) => isFine(batteryOf(context)),
  },
  actions: {
    report: assign({
      reported: ({ context, event }) =>
        event.type === 'telemetry' ? report(context, event) : context.reported,
    }),
    checkLimits: enqueueActions(({ context, enqueue }) => {
      const { settings, reported, exceeded } = context;
      const judgement = judge(settings.limits, reported, exceeded);
      if (judgement.exceeded.join() === exceeded.join()) return;
      for (const { name, value, limit } of judgement.raised) {
        const bound =
          limit.max !== undefined && value > limit.max
            ? `above its limit of ${limit.max}`
            : `below its limit of ${limit.min}`;
        enqueue.emit({
          type: 'alert',
          key: `limit:${name}`,
          severity: 'warning',
          state: 'raised',
          message: `${name} is at ${value}, ${bound}`,
          data: { value, ...limit },
        });
      }
      for (const name of judgement.cleared) {
        enqueue.emit({
          type: 'alert',
          key: `limit:${name}`,
          severity: 'warning',
          state: 'cleared',
          message: `${name} is back within its limits`,
        });
      }
      enqueue.assign({ exceeded: judgement.exceeded });
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
    configure: assign(({ context, event }) => {
      if (event.type !== 'settings.changed') return {};
      return { settings: changed(context.settings, DEFAULTS, event, SETTINGS) };
    }),

    announceReturn: raise(({ event }) => linkRestored({ event })),
    raiseOffline: emit(({ context, event }) => offlineRaised({ context, event })),
    clearOffline: emit(offlineCleared),

    tellWindow: emit(({ context }) => ({
      type: 'tell',
      to: { relation: 'room' },
      event: {
        type: 'member.window',
        member: context.twin,
        open: context.reported.contact === false,
      },
    })),
    tellSmoke: emit(({ context }) => ({
      type: 'tell',
      to: { relation: 'room' },
      event: { type: 'smoke', member: context.twin, smoke: context.reported.smoke === true },
    })),
    raiseSmoke: emit({
      type: 'alert',
      key: 'smoke',
      severity: 'critical',
      state: 'raised',
      message: 'smoke!',
    }),
    clearSmoke: emit({
      type: 'alert',
      key: 'smoke',
      severity: 'critical',
      state: 'cleared',
      message: 'no smoke any more',
    }),
    raiseWaterLeak: emit({
      type: 'alert',
      key: 'water-leak',
      severity: 'critical',
      state: 'raised',
      message: 'water where none should be',
    }),
    clearWaterLeak: emit({
      type: 'alert',
      key: 'water-leak',
      severity: 'critical',
      state: 'cleared',
      message: 'dry again',
    }),

    raiseLowBattery: emit(({ context }) => lowBatteryRaised(batteryOf(context))),
    clearLowBattery: emit(lowBatteryCleared),
  },
}).createMachine({
  id: 'sensor',
  type: 'parallel',
  context: ({ input }) => newContext(input.twin),
  states: {
    link: linkRegion({ hear: ['report', 'reportToRoom'], lose: [] }),

    limits: {
      initial: 'within',
      on: {
        telemetry: { guard: 'hasLimits', actions: 'checkLimits' },
        'settings.changed': { actions: 'checkLimits' },
      },
      states: {
        within: { always: { guard: 'isBeyondLimit', target: 'exceeded' } },
        exceeded: { always: { guard: 'isWithinLimits', target: 'within' } },
      },
    },

    opening: {
      initial: 'unknown',
      states: {
        unknown: {
          always: [
            { guard: 'isOpen', target: 'open' },
            { guard: 'isClosed', target: 'closed' },
          ],
        },
        closed: { entry: 'tellWindow', always: { guard: 'isOpen', target: 'open' } },
        open: {
          entry: 'tellWindow',
          always: { guard: 'isClosed', target: 'closed' },
          on: { 'room.welcome': { actions: 'tellWindow' } },
        },
      },
    },

    smoke: {
      initial: 'clear',
      states: {
        clear: { always: { guard: 'seesSmoke', target: 'detected' } },
        detected: {
          entry: ['raiseSmoke', 'tellSmoke'],
          exit: ['clearSmoke', 'tellSmoke'],
          always: { guard: 'seesNoSmoke', target: 'clear' },
          on: { 'room.welcome': { actions: 'tellSmoke' } },
        },
      },
    },

    water: {
      initial: 'dry',
      states: {
        dry: { always: { guard: 'feelsWater', target: 'leaking' } },
        leaking: {
          entry: 'raiseWaterLeak',
          exit: 'clearWaterLeak',
          always: { guard: 'feelsNoWater', target: 'dry' },
        },
      },
    },

    battery: batteryRegion,
  },
});

function batteryOf({ reported }: Context): number | undefined {
  return reported.battery ?? reported.batteryPercent;
}
