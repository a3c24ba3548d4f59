import { z } from 'zod';
import { DEFAULT_SILENCE_MS, silenceSetting } from '../link/link.ts';

export type Settings = {
  silenceMs: number;
  /** W. Above it the load is an overload; it is over 10 % below. */
  overloadWatts: number;
  /** How long it stays on by itself; absent: until someone switches it off. */
  autoOffMs?: number;
};

export const DEFAULTS: Settings = { silenceMs: DEFAULT_SILENCE_MS, overloadWatts: 3_600 };

export const SETTINGS = ['silenceMs', 'overloadWatts', 'autoOffMs'] as const;

export const settingsChange = z.object({
  silenceMs: silenceSetting,
  overloadWatts: z.number().min(1).max(100_000).nullable().optional(),
  autoOffMs: z
    .number()
    .int()
    .min(1_000)
    .max(31 * 24 * 3_600_000)
    .nullable()
    .optional(),
});
