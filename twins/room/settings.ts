import { z } from 'zod';
import { type ProgrammePoint, programme } from './programme.ts';
import { targetTemperature } from './target-temperature.ts';

export type Settings = {
  /** How long a member's reading counts. */
  freshnessMs: number;
  programme: ProgrammePoint[];
  /** °C while everybody is away. */
  awayTemperature: number;
  /** °C when the room returns from `away` or `off` and nobody has said what is wanted. */
  comfortTemperature: number;
};

export const DEFAULTS: Settings = {
  freshnessMs: 15 * 60_000,
  programme: [],
  awayTemperature: 16,
  comfortTemperature: 20,
};

export const SETTINGS = Object.keys(DEFAULTS) as (keyof Settings)[];

export const settingsChange = z.object({
  freshnessMs: z
    .number()
    .int()
    .min(1_000)
    .max(31 * 24 * 3_600_000)
    .nullable()
    .optional(),
  programme: programme.nullable().optional(),
  awayTemperature: targetTemperature.nullable().optional(),
  comfortTemperature: targetTemperature.nullable().optional(),
});
