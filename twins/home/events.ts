import { z } from 'zod';
import { anyJson, type EventsOf } from '../../engine/kind.ts';
import { settingsChange } from './settings.ts';

/** One that is not among the home's modes is ignored, as a rule may have been written for another home. */
const mode = z.string().max(64);

export const events = {
  /** Null wants nothing: the mode stays as it is. */
  'desired.changed': z.object({ mode: mode.nullable().optional() }),
  'settings.changed': settingsChange,
  /** What somebody has published for the rules of the home; they watch this twin. */
  message: z.object({ topic: z.string().max(1_000), body: anyJson() }),
  /** `for`: ms, then back to the mode before. Without it the mode stays. */
  'mode.set': z.object({
    mode,
    for: z
      .number()
      .int()
      .min(1_000)
      .max(366 * 24 * 3_600_000)
      .optional(),
  }),
};

export type HomeEvent = EventsOf<typeof events>;
