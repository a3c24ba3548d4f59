import type { Sample } from './open-window.ts';
import { DEFAULTS, type Settings } from './settings.ts';

export type Reported = {
  temperature?: number;
  humidity?: number;
  battery?: number;
  valve?: number;
  targetTemperature?: number;
  heating?: boolean;
  on?: boolean;
};

export const REPORTED = [
  'temperature',
  'humidity',
  'battery',
  'valve',
  'targetTemperature',
  'heating',
  'on',
] as const satisfies readonly (keyof Reported)[];

export type Context = {
  /** Its own name, for what it tells its room. */
  twin: string;
  reported: Reported;
  desired: { targetTemperature?: number };
  settings: Settings;
  /** Whether the device has reported its target since it is (again) in touch. */
  targetIsKnown: boolean;
  /** Its room lets nobody heat: a window is open, or there is smoke. */
  paused: boolean;
  boost: { minutes: number; temperature: number } | null;
  /** While the window is open: the lowest temperature since. */
  window: { lowest: number } | null;
  /** Recent temperatures, oldest first, for the slope. */
  samples: Sample[];
  /** What the device is held to; null: nothing. */
  pursued: { target: number | null; heat: boolean | null };
};

export function newContext(twin: string): Context {
  return {
    twin,
    reported: {},
    desired: {},
    settings: DEFAULTS,
    targetIsKnown: false,
    paused: false,
    boost: null,
    window: null,
    samples: [],
    pursued: { target: null, heat: null },
  };
}
