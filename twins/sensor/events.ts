import { z } from 'zod';
import type { EventsOf } from '../../engine/kind.ts';
import { linkEvents } from '../link/link.ts';
import { toldToMembers } from '../room/membership.ts';
import { measuredFields } from './measurements.ts';
import { settingsChange } from './settings.ts';

export const FLAGS = ['contact', 'occupancy', 'smoke', 'waterLeak'] as const;

export const events = {
  /** Other fields count if `settings.measurements` names them, and are ignored if not. */
  telemetry: z.looseObject({
    ...measuredFields,
    /** True: closed. */
    contact: z.boolean().optional(),
    occupancy: z.boolean().optional(),
    smoke: z.boolean().optional(),
    waterLeak: z.boolean().optional(),
  }),
  'settings.changed': settingsChange,
  ...linkEvents,
  'room.welcome': toldToMembers['room.welcome'],
};

export type SensorEvent = EventsOf<typeof events>;
