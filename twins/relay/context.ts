import { DEFAULTS, type Settings } from './settings.ts';

export type Reported = {
  on?: boolean;
  power?: number;
  voltage?: number;
  current?: number;
  energy?: number;
};

export const REPORTED = [
  'on',
  'power',
  'voltage',
  'current',
  'energy',
] as const satisfies readonly (keyof Reported)[];

export type Context = {
  reported: Reported;
  desired: { on?: boolean };
  settings: Settings;
  /** What the device is held to; null: nothing. */
  pursued: boolean | null;
  /** Whether the device has reported `on` since it is (again) in touch. */
  positionIsKnown: boolean;
};

export function newContext(): Context {
  return { reported: {}, desired: {}, settings: DEFAULTS, pursued: null, positionIsKnown: false };
}
