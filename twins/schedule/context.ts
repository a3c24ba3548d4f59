import type { Planned } from './plan.ts';
import { DEFAULTS, type Settings } from './settings.ts';

export type Context = {
  timezone: string;
  desired: { override?: 'on' | 'off' };
  settings: Settings;
  /** What the plan said when it was last looked up; nothing changes until its next point. */
  planned: Planned;
};

export function newContext(timezone: string): Context {
  return {
    timezone,
    desired: {},
    settings: DEFAULTS,
    planned: { active: false, value: null },
  };
}

/** What the override makes of the plan; a value is said only within a period of the plan. */
export function inForce({ desired, planned }: Context): Planned {
  switch (desired.override) {
    case 'on':
      return { active: true, value: planned.value };
    case 'off':
      return { active: false, value: null };
    default:
      return planned;
  }
}
