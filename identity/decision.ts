import { type Action, ruleOf, type Standing } from './permissions.ts';
import type { Principal } from './principal.ts';

/** What an action comes to for somebody. */
export type Decision =
  | { may: true }
  /** `hidden`: the home is none of theirs, and answers as one that does not exist. */
  | { may: false; because: 'anonymous' | 'forbidden' | 'hidden' };

export const MAY: Decision = { may: true };
export const ANONYMOUS: Decision = { may: false, because: 'anonymous' };
export const FORBIDDEN: Decision = { may: false, because: 'forbidden' };
export const PLATFORM: Standing = { role: 'platform', owns: () => true };

/** A key may do what is in its scopes, and one of a home nothing elsewhere. */
export function decideKey(
  { home: own, scopes }: Principal & { type: 'key' },
  action: Action,
  home: string | null,
): Decision {
  const { place } = ruleOf(action);
  if (own !== null && home !== null && own !== home) return { may: false, because: 'hidden' };
  if (own !== null && place === 'platform') return FORBIDDEN;
  return place === 'signed-in' || scopes.includes(action) ? MAY : FORBIDDEN;
}

/** The bootstrap token makes homes that nobody owns yet. */
export function isFounder({ type }: Principal, action: Action): boolean {
  return type === 'bootstrap' && action === 'home.create';
}
