import type { Facts } from '../../engine/kind.ts';
import { DEFAULTS, type Settings } from './settings.ts';
import { moveOf, type Transition } from './transition.ts';
import { filtered, isSame, overlaid, type Wishes, wishesNow } from './wishes.ts';

export type Context = {
  /** `appliedAt`: epoch ms, last. */
  reported: { active: boolean; appliedAt: number | null };
  settings: Settings;
  /** What its twins wanted before it was applied. */
  before: Wishes;
  transition: Transition | null;
  /** The priority of who applied it, 0 to 100: what it tells its twins has the same. */
  priority?: number;
};

export function newContext(): Context {
  return {
    reported: { active: false, appliedAt: null },
    settings: DEFAULTS,
    before: {},
    transition: null,
  };
}

/**
 * What the twins want before the scene is applied. Where it is in force already, and a twin wants what the
 * scene has told it, it stays what was wanted before that: applied twice it can still be reverted.
 */
export function wantedBefore(context: Context, facts: Facts): Wishes {
  const { reported, settings, before, transition } = context;
  const now = wishesNow(settings.entries, facts);
  if (!reported.active) return now;
  const byOthers = filtered(now, (twin, key, wish) => {
    if (!Object.hasOwn(before, twin) || !Object.hasOwn(before[twin] ?? {}, key)) return true;
    const move = moveOf(transition, twin, key);
    const told = move ? move.told : (settings.entries[twin]?.[key] ?? null);
    return !isSame(wish, told);
  });
  return overlaid(before, byOthers);
}
