import { DEFAULTS, type Settings } from './settings.ts';

export type Context = {
  /** `since`: epoch ms. `previous`: null until the mode has changed once. */
  reported: { mode: string; since: number; previous: string | null };
  /** The mode in force, where somebody has asked for it. */
  desired: { mode?: string };
  settings: Settings;
  /** The mode that a limited stay leads back to; null: the present one lasts. */
  lasting: string | null;
};

export function newContext(at: number): Context {
  return {
    reported: { mode: firstMode(DEFAULTS), since: at, previous: null },
    desired: {},
    settings: DEFAULTS,
    lasting: null,
  };
}

export function firstMode({ modes: [first = 'home'] }: Settings): string {
  return first;
}

/** The report once `mode` is in force; one that is already has been so since it began. */
export function reportedIn(
  mode: string,
  { reported }: Context,
  at: number,
): { reported: Context['reported'] } {
  return {
    reported: mode === reported.mode ? reported : { mode, since: at, previous: reported.mode },
  };
}
