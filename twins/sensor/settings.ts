import { z } from 'zod';
import { DEFAULT_SILENCE_MS, silenceSetting } from '../link/link.ts';
import { type Limit, limit } from './limits.ts';

export type Settings = {
  silenceMs: number;
  /** Limits by measurement. */
  limits: Record<string, Limit>;
  /** Measurements beyond the known ones: name → unit. */
  measurements: Record<string, string>;
};

export const DEFAULTS: Settings = { silenceMs: DEFAULT_SILENCE_MS, limits: {}, measurements: {} };

export const SETTINGS = Object.keys(DEFAULTS) as (keyof Settings)[];

/** A sensor with more would no longer be one twin. */
const MAX = 32;
const name = z.string().regex(/^[a-zA-Z][a-zA-Z0-9_]{0,39}$/);
/** Fields that every event has, measured or not. */
const ENVELOPE = ['type', 'at', 'late', 'id', 'folded'];

export const settingsChange = z.object({
  silenceMs: silenceSetting,
  limits: z
    .record(name, limit)
    .refine((limits) => Object.keys(limits).length <= MAX, `at most ${MAX} limits`)
    .nullable()
    .optional(),
  measurements: z
    .record(name, z.string().max(16))
    .refine((units) => Object.keys(units).length <= MAX, `at most ${MAX} measurements`)
    .refine(
      (units) => !ENVELOPE.some((field) => Object.hasOwn(units, field)),
      `none can be called ${ENVELOPE.join(', ')}`,
    )
    .nullable()
    .optional(),
});
