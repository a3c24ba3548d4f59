import { z } from 'zod';
import { command, type EventsOf } from '../../engine/kind.ts';
import { linkEvents } from '../link/link.ts';
import { pursuitEvents } from '../pursuit/pursuit.ts';
import { toldToMembers } from '../room/membership.ts';
import { targetTemperature } from '../room/target-temperature.ts';
import { settingsChange } from './settings.ts';

const degrees = z.number().min(-80).max(120);
const percent = z.number().min(0).max(100);

export const events = {
  /** °C, % and flags; a device sends what it has. `on` is another word for `heating`. */
  telemetry: z.object({
    temperature: degrees.optional(),
    humidity: percent.optional(),
    battery: percent.optional(),
    valve: percent.optional(),
    targetTemperature: degrees.optional(),
    heating: z.boolean().optional(),
    on: z.boolean().optional(),
  }),
  'desired.changed': z.object({ targetTemperature: targetTemperature.nullable().optional() }),
  'settings.changed': settingsChange,
  /** More heat for a while. */
  boost: z.object({
    minutes: z.number().min(1).max(1_440).optional(),
    temperature: targetTemperature.optional(),
  }),
  'boost.cancel': z.object({}),
  ...linkEvents,
  ...pursuitEvents,
  ...toldToMembers,
};

export type ThermostatEvent = EventsOf<typeof events>;

/** A device need not store half degrees exactly, but must mean the same half degree. */
export const SAME_TARGET = 0.25;

export const commands = {
  'set-target': command({
    args: z.object({ targetTemperature }),
    expect: (args) => ({ targetTemperature: args.targetTemperature }),
    tolerance: SAME_TARGET,
  }),
  heat: command({
    args: z.object({ on: z.boolean() }),
    expect: (args) => ({ heating: args.on }),
  }),
};
