import { z } from 'zod';

export type Settings = {
  /** The first is the one that a home begins with. */
  modes: string[];
  /** Degrees, north positive; absent: nobody has said. */
  latitude?: number;
  /** Degrees, east positive. */
  longitude?: number;
};

export const DEFAULTS: Settings = { modes: ['home', 'away', 'night', 'vacation'] };

export const SETTINGS = ['modes', 'latitude', 'longitude'] as const;

const modeName = z
  .string()
  .regex(/^[a-z0-9_-]{1,64}$/, 'must be 1 to 64 lower-case letters, digits, "-" or "_"');

export const settingsChange = z.object({
  modes: z
    .array(modeName)
    .min(1)
    .max(20)
    .refine((modes) => new Set(modes).size === modes.length, 'has a mode twice')
    .nullable()
    .optional(),
  latitude: z.number().min(-90).max(90).nullable().optional(),
  longitude: z.number().min(-180).max(180).nullable().optional(),
});
