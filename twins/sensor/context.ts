import type { MeasuredName } from './measurements.ts';
import { DEFAULTS, type Settings } from './settings.ts';

export type Reported = { [name in MeasuredName]?: number } & {
  contact?: boolean;
  occupancy?: boolean;
  smoke?: boolean;
  waterLeak?: boolean;
} & { [extra: string]: number | boolean };

export type Context = {
  /** Its own name, for what it tells its room. */
  twin: string;
  reported: Reported;
  settings: Settings;
  /** Measurements beyond their limit. */
  exceeded: string[];
};

export function newContext(twin: string): Context {
  return { twin, reported: {}, settings: DEFAULTS, exceeded: [] };
}
