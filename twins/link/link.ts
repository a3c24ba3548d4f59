/**
 * Supervision of a device's link: every message is a sign of life; its own word (`status`, the
 * broker's Last Will) and silence beyond `settings.silenceMs` say the opposite.
 */
import { z } from 'zod';
import { intentEvents, statusEvents } from '../../engine/kind.ts';

export const linkEvents = {
  ...statusEvents,
  'intent.acked': intentEvents['intent.acked'],
  /** Raised by the link itself when the device is back after an outage. */
  'link.restored': z.object({}),
};

/** The senders of these events: none, since the link itself raises them. */
export const linkSenders = { 'link.restored': [] } as const;

export const DEFAULT_SILENCE_MS = 3 * 60_000;

/** The setting of `settings.changed`: from 1 s, so that a typing error floods nobody, to 31 days. */
export const silenceSetting = z
  .number()
  .int()
  .min(1_000)
  .max(31 * 24 * 3_600_000)
  .nullable()
  .optional();

/**
 * The region `link` of a machine. It hears `telemetry` and `settings.changed` for the whole machine
 * (a region that handles an event keeps it from the machine's root): `hear` names what happens with
 * a report, `lose` what happens when the link is lost. Regions that need the new report stand after.
 *
 * Uses from the machine's setup: the actions `configure`, `announceReturn`, `raiseOffline` and
 * `clearOffline`, the guards in {@link linkGuards} and the delay `silence`.
 */
export function linkRegion<const A extends string>(words: {
  hear: readonly A[];
  lose: readonly A[];
}) {
  const { hear, lose } = words;
  return {
    initial: 'unknown',
    on: { 'settings.changed': { actions: 'configure' } },
    states: {
      unknown: {
        on: {
          telemetry: { target: 'online', actions: hear },
          'intent.acked': { target: 'online' },
          status: [{ guard: 'saysOnline', target: 'online' }, { target: 'offline' }],
        },
      },
      online: {
        after: { silence: { target: 'offline' } },
        on: {
          telemetry: { target: 'online', reenter: true, actions: hear },
          'intent.acked': { target: 'online', reenter: true },
          status: [{ guard: 'saysOnline', target: 'online', reenter: true }, { target: 'offline' }],
          'settings.changed': {
            guard: 'changesSilence',
            target: 'online',
            reenter: true,
            actions: 'configure',
          },
        },
      },
      offline: {
        entry: ['raiseOffline', ...lose],
        exit: 'clearOffline',
        on: {
          telemetry: { target: 'returning', actions: hear },
          'intent.acked': { target: 'returning' },
          status: { guard: 'saysOnline', target: 'returning' },
        },
      },
      // Passed through, so that the return is announced after the report has been taken in
      returning: { always: { target: 'online', actions: 'announceReturn' } },
    },
  } as const;
}

export const linkGuards = {
  saysOnline: ({ event }: { event: { type: string; online?: unknown } }) => event.online === true,
  changesSilence: ({ event }: { event: { type: string; silenceMs?: unknown } }) =>
    event.silenceMs !== undefined,
};

export function silenceOf({ context }: { context: { settings: { silenceMs: number } } }): number {
  return context.settings.silenceMs;
}

/** What `announceReturn` raises. */
export function linkRestored({ event }: { event: { at: number } }) {
  return { type: 'link.restored', at: event.at } as const;
}

export function offlineRaised({
  context,
  event,
}: {
  context: { settings: { silenceMs: number } };
  event: { type: string };
}) {
  return {
    type: 'alert',
    key: 'offline',
    severity: 'warning',
    state: 'raised',
    message:
      event.type === 'status'
        ? 'its link is down: the device or its broker said so'
        : `has not been heard of for ${Math.round(context.settings.silenceMs / 1_000)} s`,
  } as const;
}

export const offlineCleared = {
  type: 'alert',
  key: 'offline',
  severity: 'warning',
  state: 'cleared',
  message: 'is heard again',
} as const;
