import { z } from 'zod';
import { DEFAULT_SILENCE_MS, silenceSetting } from '../link/link.ts';

/** Who decides when to heat: the device by itself, or the engine by commanding `heat`. */
export type Regulation = 'device' | 'engine';

export type Settings = {
  silenceMs: number;
  regulation: Regulation;
  /** K below and above the target between which heating stays as it is. */
  hysteresis: number;
  /** An open window is a fall of this many K … */
  windowDrop: number;
  /** … within this many minutes … */
  windowMinutes: number;
  /** … and ends with a rise of this many K above the lowest reading … */
  windowRecovery: number;
  /** … or after this many minutes. */
  windowLimitMinutes: number;
  boostMinutes: number;
  /** K above the target that a boost without a temperature heats to. */
  boostRise: number;
};

export const DEFAULTS: Settings = {
  silenceMs: DEFAULT_SILENCE_MS,
  regulation: 'device',
  hysteresis: 0.3,
  windowDrop: 1.5,
  windowMinutes: 10,
  windowRecovery: 0.5,
  windowLimitMinutes: 30,
  boostMinutes: 30,
  boostRise: 3,
};

export const SETTINGS = Object.keys(DEFAULTS) as (keyof Settings)[];

export const settingsChange = z.object({
  silenceMs: silenceSetting,
  regulation: z.enum(['device', 'engine']).nullable().optional(),
  hysteresis: z.number().min(0.1).max(5).nullable().optional(),
  windowDrop: z.number().min(0.3).max(20).nullable().optional(),
  windowMinutes: z.number().min(1).max(120).nullable().optional(),
  windowRecovery: z.number().min(0.1).max(10).nullable().optional(),
  windowLimitMinutes: z.number().min(1).max(1_440).nullable().optional(),
  boostMinutes: z.number().min(1).max(1_440).nullable().optional(),
  boostRise: z.number().min(0.5).max(20).nullable().optional(),
});
