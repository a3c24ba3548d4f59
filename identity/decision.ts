import type { Place, Standing } from './permissions.ts';
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
  action: string,
  place: Place,
  home: string | null,
): Decision {
  if (own !== null && home !== null && own !== home) return { may: false, because: 'hidden' };
  if (own !== null && place === 'platform') return FORBIDDEN;
  return place === 'signed-in' || scopes.includes(action) ? MAY : FORBIDDEN;
}

/** The bootstrap token makes homes that nobody owns yet. */
export function isFounder({ type }: Principal, action: string): boolean {
  return type === 'bootstrap' && action === 'home.create';
}
