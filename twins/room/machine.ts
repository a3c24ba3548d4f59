import { assign, emit, enqueueActions, setup } from 'xstate';
import type { Effect, KindInput } from '../../engine/kind.ts';
import { changed } from '../settings/merge.ts';
import { freshOf, meansOf, nextStale } from './climate.ts';
import { ANYBODY, type Context, isPaused, newContext, targetInForce } from './context.ts';
import type { RoomEvent } from './events.ts';
import { cronsOf, pointInForce } from './programme.ts';
import { DEFAULTS, SETTINGS } from './settings.ts';

/** Member reports that are worth a new heating curve. */
const ENOUGH_TO_TRAIN = 100;

const MEMBERS = { relation: 'members' };

export const machine = setup({
  types: {} as { context: Context; events: RoomEvent; emitted: Effect; input: KindInput },
  delays: {
    untilNextStale: ({ context, event }) =>
      Math.max(1, nextStale(context.members, context.settings.freshnessMs) - event.at),
  },
  guards: {
    setsTarget: ({ event }) =>
      event.type === 'desired.changed' && typeof event.targetTemperature === 'number',
    removesTarget: ({ event }) =>
      event.type === 'desired.changed' && event.targetTemperature === null,
    changesProgramme: ({ event }) =>
      event.type === 'settings.changed' && event.programme !== undefined,
    changesFreshness: ({ event }) =>
      event.type === 'settings.changed' && event.freshnessMs !== undefined,
    hasProgramme: ({ context }) => context.settings.programme.length > 0,
    hasNoProgramme: ({ context }) => context.programmed === null,
    programmeSaysOtherwise: ({ context }) =>
      context.programmed !== (context.desired.targetTemperature ?? null),
    anotherTargetApplies: ({ context }) => targetInForce(context) !== context.told,

    asksForAuto: ({ event }) =>
      event.type === 'desired.changed' && (event.mode === 'auto' || event.mode === null),
    asksForAway: ({ event }) => event.type === 'desired.changed' && event.mode === 'away',
    asksForOff: ({ event }) => event.type === 'desired.changed' && event.mode === 'off',

    somebodyMeasures: ({ context }) => Object.keys(context.members).length > 0,
    nobodyMeasures: ({ context }) => Object.keys(context.members).length === 0,
    isEnoughToTrain: ({ context }) => context.gathered.count >= ENOUGH_TO_TRAIN,

    isAlarmed: ({ context }) => context.smoke.length + context.fire.length > 0,
    isQuiet: ({ context }) => context.smoke.length + context.fire.length === 0,
    windowIsOpen: ({ context }) => context.windows.length > 0,
    isQuietAndClosed: ({ context }) => !isPaused(context),
    thereIsSmoke: ({ context }) => context.smoke.length > 0,
    thereIsNoSmoke: ({ context }) => context.smoke.length === 0,
    thereIsFire: ({ context }) => context.fire.length > 0,
    thereIsNoFire: ({ context }) => context.fire.length === 0,
  },
  actions: {
    configure: assign(({ context, event }) =>
      event.type === 'settings.changed'
        ? { settings: changed(context.settings, DEFAULTS, event, SETTINGS) }
        : {},
    ),
    moveToTimezone: assign({
      timezone: ({ context, event }) =>
        event.type === 'home.changed' ? event.timezone : context.timezone,
    }),

    unscheduleProgramme: enqueueActions(({ context, enqueue }) => {
      for (const time of cronsOf(context.settings.programme).keys()) {
        enqueue.emit({ type: 'unschedule', id: `programme:${time}` });
      }
    }),
    scheduleProgramme: enqueueActions(({ context, enqueue }) => {
      for (const [time, cron] of cronsOf(context.settings.programme)) {
        enqueue.emit({
          type: 'schedule',
          id: `programme:${time}`,
          cron,
          timezone: context.timezone,
          event: { type: 'programme.point' },
        });
      }
    }),
    lookUpProgramme: assign({
      programmed: ({ context, event }) =>
        pointInForce(context.settings.programme, event.at, context.timezone)?.targetTemperature ??
        null,
    }),
    followProgramme: assign(({ context: { desired, programmed } }) =>
      programmed === null
        ? // Nothing is wanted any more: the members keep what they have
          { desired: { mode: desired.mode }, told: null }
        : { desired: { mode: desired.mode, targetTemperature: programmed } },
    ),
    wantTarget: assign({
      desired: ({ context: { desired }, event }) =>
        event.type === 'desired.changed' && typeof event.targetTemperature === 'number'
          ? { mode: desired.mode, targetTemperature: event.targetTemperature }
          : desired,
    }),
    setAuto: assign({ desired: ({ context }) => ({ ...context.desired, mode: 'auto' as const }) }),
    setAway: assign({ desired: ({ context }) => ({ ...context.desired, mode: 'away' as const }) }),
    setOff: assign({ desired: ({ context }) => ({ ...context.desired, mode: 'off' as const }) }),
    tellTarget: enqueueActions(({ context, enqueue }) => {
      const target = targetInForce(context);
      enqueue.assign({ told: target });
      if (target === null) return;
      enqueue.emit({
        type: 'tell',
        to: MEMBERS,
        event: { type: 'room.target', targetTemperature: target },
      });
    }),

    takeReport: assign(({ context, event }) => {
      if (event.type !== 'member.report') return {};
      const { member, temperature, humidity, at } = event;
      const measuredAt = Math.min(event.measuredAt ?? at, at);
      const readings = {
        ...context.members[member],
        ...(temperature !== undefined && { temperature: [temperature, measuredAt] as const }),
        ...(humidity !== undefined && { humidity: [humidity, measuredAt] as const }),
      };
      const { count, from } = context.gathered;
      return {
        ...climateOf({ ...context.members, [member]: readings } as Context['members'], context, at),
        gathered: { count: count + 1, from: count === 0 ? at : from },
      };
    }),
    dropStale: assign(({ context, event }) => climateOf(context.members, context, event.at)),
    forgetMember: assign(({ context, event }) => {
      if (event.type !== 'member.left') return {};
      const { [event.member]: _left, ...members } = context.members;
      return {
        ...climateOf(members, context, event.at),
        windows: without(context.windows, event.member),
        smoke: without(context.smoke, event.member),
        fire: without(context.fire, event.member),
      };
    }),
    welcome: enqueueActions(({ context, event, enqueue }) => {
      if (event.type !== 'member.joined') return;
      const target = targetInForce(context);
      enqueue.emit({
        type: 'tell',
        to: event.member,
        event: {
          type: 'room.welcome',
          ...(target !== null && { targetTemperature: target }),
          paused: isPaused(context),
        },
      });
    }),
    sayFarewell: enqueueActions(({ event, enqueue }) => {
      if (event.type !== 'member.left') return;
      enqueue.emit({ type: 'tell', to: event.member, event: { type: 'room.farewell' } });
    }),
    train: enqueueActions(({ context, event, enqueue }) => {
      const { count, from } = context.gathered;
      enqueue.emit({
        type: 'retrain',
        model: 'heating-curve',
        reason: `${count} reports of its members since the last training`,
        range: { from, to: event.at },
      });
      enqueue.assign({ gathered: { count: 0, from: 0 } });
    }),

    noteWindow: assign({
      windows: ({ context, event }) =>
        event.type === 'member.window'
          ? marked(context.windows, event.member, event.open)
          : context.windows,
    }),
    noteSmoke: assign({
      smoke: ({ context, event }) =>
        event.type === 'smoke' ? marked(context.smoke, event.member, event.smoke) : context.smoke,
    }),
    noteFire: assign({
      fire: ({ context, event }) =>
        event.type === 'fire' ? marked(context.fire, event.member, event.fire) : context.fire,
    }),
    resetAlarm: assign({ smoke: [], fire: [] }),
    tellPaused: emit({
      type: 'tell',
      to: MEMBERS,
      event: { type: 'room.heating', paused: true, reason: 'window' },
    }),
    tellStopped: emit({
      type: 'tell',
      to: MEMBERS,
      event: { type: 'room.heating', paused: true, reason: 'alarm' },
    }),
    tellResumed: emit({
      type: 'tell',
      to: MEMBERS,
      event: { type: 'room.heating', paused: false, reason: 'none' },
    }),
    raiseSmoke: emit(({ context }) => ({
      type: 'alert',
      key: 'smoke',
      severity: 'critical',
      state: 'raised',
      message: `smoke in the room${saidBy(context.smoke)}; heating is stopped`,
    })),
    clearSmoke: emit({
      type: 'alert',
      key: 'smoke',
      severity: 'critical',
      state: 'cleared',
      message: 'no smoke any more',
    }),
    raiseFire: emit(({ context }) => ({
      type: 'alert',
      key: 'fire',
      severity: 'critical',
      state: 'raised',
      message: `fire in the room${saidBy(context.fire)}; heating is stopped`,
    })),
    clearFire: emit({
      type: 'alert',
      key: 'fire',
      severity: 'critical',
      state: 'cleared',
      message: 'no fire any more',
    }),
  },
}).createMachine({
  id: 'room',
  type: 'parallel',
  context: ({ input }) => newContext(input.timezone),
  states: {
    target: {
      initial: 'free',
      on: {
        'settings.changed': [
          {
            guard: 'changesProgramme',
            target: '.programmed',
            actions: ['unscheduleProgramme', 'configure', 'scheduleProgramme', 'lookUpProgramme'],
          },
          { actions: 'configure' },
        ],
        'home.changed': { actions: ['moveToTimezone', 'scheduleProgramme', 'lookUpProgramme'] },
        'programme.point': {
          guard: 'hasProgramme',
          target: '.programmed',
          actions: 'lookUpProgramme',
        },
        'desired.changed': [
          { guard: 'setsTarget', target: '.manual', actions: 'wantTarget' },
          { guard: 'removesTarget', target: '.programmed' },
        ],
      },
      states: {
        free: {},
        programmed: {
          always: [
            { guard: 'programmeSaysOtherwise', target: 'programmed', actions: 'followProgramme' },
            { guard: 'hasNoProgramme', target: 'free' },
          ],
        },
        // Until the next point
        manual: {},
      },
    },

    mode: {
      initial: 'auto',
      always: { guard: 'anotherTargetApplies', actions: 'tellTarget' },
      on: {
        auto: { target: '.auto' },
        away: { target: '.away' },
        off: { target: '.off' },
        'desired.changed': [
          { guard: 'asksForAuto', target: '.auto' },
          { guard: 'asksForAway', target: '.away' },
          { guard: 'asksForOff', target: '.off' },
        ],
      },
      states: { auto: { entry: 'setAuto' }, away: { entry: 'setAway' }, off: { entry: 'setOff' } },
    },

    climate: {
      initial: 'unknown',
      on: {
        'member.report': { actions: 'takeReport' },
        'member.joined': { actions: 'welcome' },
        'member.left': { actions: ['forgetMember', 'sayFarewell'] },
      },
      states: {
        unknown: { always: { guard: 'somebodyMeasures', target: 'known' } },
        known: {
          always: { guard: 'nobodyMeasures', target: 'unknown' },
          // Armed for the oldest reading there is: reports in between do not move it, it looks again
          after: { untilNextStale: { target: 'known', reenter: true, actions: 'dropStale' } },
          on: {
            'settings.changed': {
              guard: 'changesFreshness',
              target: 'known',
              reenter: true,
              actions: 'dropStale',
            },
          },
        },
      },
    },

    heating: {
      initial: 'allowed',
      on: { 'member.window': { actions: 'noteWindow' } },
      states: {
        allowed: {
          always: [
            { guard: 'isAlarmed', target: 'stopped' },
            { guard: 'windowIsOpen', target: 'paused' },
          ],
        },
        paused: {
          entry: 'tellPaused',
          always: [
            { guard: 'isAlarmed', target: 'stopped' },
            { guard: 'isQuietAndClosed', target: 'allowed', actions: 'tellResumed' },
          ],
        },
        stopped: {
          entry: 'tellStopped',
          always: [
            { guard: 'isQuietAndClosed', target: 'allowed', actions: 'tellResumed' },
            { guard: 'isQuiet', target: 'paused' },
          ],
        },
      },
    },

    smoke: {
      initial: 'clear',
      on: { smoke: { actions: 'noteSmoke' }, 'alarm.reset': { actions: 'resetAlarm' } },
      states: {
        clear: { always: { guard: 'thereIsSmoke', target: 'alarm' } },
        alarm: {
          entry: 'raiseSmoke',
          exit: 'clearSmoke',
          always: { guard: 'thereIsNoSmoke', target: 'clear' },
        },
      },
    },

    fire: {
      initial: 'clear',
      on: { fire: { actions: 'noteFire' } },
      states: {
        clear: { always: { guard: 'thereIsFire', target: 'alarm' } },
        alarm: {
          entry: 'raiseFire',
          exit: 'clearFire',
          always: { guard: 'thereIsNoFire', target: 'clear' },
        },
      },
    },

    learning: {
      initial: 'gathering',
      states: {
        gathering: { always: { guard: 'isEnoughToTrain', actions: 'train' } },
      },
    },
  },
});

function climateOf(
  members: Context['members'],
  { settings }: Context,
  now: number,
): Pick<Context, 'members' | 'reported'> {
  const fresh = freshOf(members, settings.freshnessMs, now);
  return { members: fresh, reported: meansOf(fresh) };
}

function without(list: readonly string[], member: string): string[] {
  return list.filter((other) => other !== member);
}

/** The list with the source in it or not; nobody in particular says that all is clear for all. */
function marked(list: readonly string[], source: string | undefined, on: boolean): string[] {
  if (!on) return source === undefined ? [] : without(list, source);
  return [...without(list, source ?? ANYBODY), source ?? ANYBODY];
}

function saidBy(sources: readonly string[]): string {
  const members = without(sources, ANYBODY);
  return members.length > 0 ? `, says ${members.join(', ')}` : '';
}
