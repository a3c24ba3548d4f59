import { z } from 'zod';
import { type EventsOf, homeEvents } from '../../engine/kind.ts';
import { settingsChange } from './settings.ts';

export const events = {
  /** Wins over the plan until it is taken back with null. */
  'desired.changed': z.object({ override: z.enum(['on', 'off']).nullable().optional() }),
  'settings.changed': settingsChange,
  /** Its own timers: a time of the plan has come. */
  'plan.point': z.object({}),
  ...homeEvents,
};

export type ScheduleEvent = EventsOf<typeof events>;
