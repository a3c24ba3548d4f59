import { z } from 'zod';
import { command, type EventsOf } from '../../engine/kind.ts';
import { linkEvents } from '../link/link.ts';
import { pursuitEvents } from '../pursuit/pursuit.ts';
import { settingsChange } from './settings.ts';

export const events = {
  /** W (negative: it feeds in), V, A, kWh. */
  telemetry: z.object({
    on: z.boolean().optional(),
    power: z.number().min(-1e6).max(1e6).optional(),
    voltage: z.number().min(0).max(1_000).optional(),
    current: z.number().min(-10_000).max(10_000).optional(),
    energy: z.number().min(-1e9).max(1e9).optional(),
  }),
  'desired.changed': z.object({ on: z.boolean().nullable().optional() }),
  'settings.changed': settingsChange,
  toggle: z.object({}),
  ...linkEvents,
  ...pursuitEvents,
};

export type RelayEvent = EventsOf<typeof events>;

export const commands = {
  switch: command({
    args: z.object({ on: z.boolean() }),
    expect: (args) => ({ on: args.on }),
  }),
};
