import { z } from 'zod';
import type { EventsOf } from '../../engine/kind.ts';
import { settingsChange, transitionMs } from './settings.ts';

export const events = {
  /** `transitionMs`: numbers get there in steps; 0: at once, whatever the setting says. */
  apply: z.object({ transitionMs: transitionMs.optional() }),
  /** Gives its twins back what they wanted before. */
  revert: z.object({}),
  /** What its twins want now becomes the scene. */
  capture: z.object({}),
  'settings.changed': settingsChange,
};

export type SceneEvent = EventsOf<typeof events>;
