import type { MemberReadings } from './climate.ts';
import type { Mode } from './events.ts';
import { DEFAULTS, type Settings } from './settings.ts';
import { COLDEST_TARGET } from './target-temperature.ts';

export type Context = {
  timezone: string;
  reported: { temperature?: number; humidity?: number };
  desired: { mode: Mode; targetTemperature?: number };
  settings: Settings;
  /** Fresh readings by member. */
  members: Record<string, MemberReadings>;
  /** Members that say a window is open. */
  windows: string[];
  /** Who says so; {@link ANYBODY} for what was posted to the room. */
  smoke: string[];
  fire: string[];
  /** °C by the programme's last point; null without a programme. */
  programmed: number | null;
  /** The target that the members were told last. */
  told: number | null;
  /** Member reports since the model was last trained. */
  gathered: { count: number; from: number };
};

/** No twin can have this name. */
export const ANYBODY = '*';

export function newContext(timezone: string): Context {
  return {
    timezone,
    reported: {},
    desired: { mode: 'auto' },
    settings: DEFAULTS,
    members: {},
    windows: [],
    smoke: [],
    fire: [],
    programmed: null,
    told: null,
    gathered: { count: 0, from: 0 },
  };
}

/** °C that the mode makes of what is desired; null: nothing is to be said to the members. */
export function targetInForce({ desired, settings, told }: Context): number | null {
  switch (desired.mode) {
    case 'off':
      return COLDEST_TARGET;
    case 'away':
      return settings.awayTemperature;
    case 'auto':
      return desired.targetTemperature ?? (told === null ? null : settings.comfortTemperature);
  }
}

export function isPaused({ windows, smoke, fire }: Context): boolean {
  return windows.length + smoke.length + fire.length > 0;
}
