import { z } from 'zod';
import { type EventsOf, homeEvents, memberEvents } from '../../engine/kind.ts';
import { toldToRoom } from './membership.ts';
import { settingsChange } from './settings.ts';
import { targetTemperature } from './target-temperature.ts';

const MODES = ['auto', 'away', 'off'] as const;
export type Mode = (typeof MODES)[number];

export const events = {
  'desired.changed': z.object({
    /** Until the programme's next point; null: back to the programme at once. */
    targetTemperature: targetTemperature.nullable().optional(),
    mode: z.enum(MODES).nullable().optional(),
  }),
  'settings.changed': settingsChange,
  auto: z.object({}),
  away: z.object({}),
  off: z.object({}),
  /** Its own timers: a point of the programme has come. */
  'programme.point': z.object({}),
  /** From a member or anybody. `smoke: false`: that source, or without `member` every one, is clear. */
  smoke: z.object({ member: z.string().optional(), smoke: z.boolean().default(true) }),
  fire: z.object({ member: z.string().optional(), fire: z.boolean().default(true) }),
  'alarm.reset': z.object({}),
  ...toldToRoom,
  ...memberEvents,
  ...homeEvents,
};

export type RoomEvent = EventsOf<typeof events>;
