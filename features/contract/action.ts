/** Actions that features add to the table of permissions. */

type FeatureRole = 'platform' | 'owner' | 'admin' | 'member' | 'guest' | 'device' | 'gateway';

/** Who may do something in a home, or on one twin of it. */
export interface FeatureAction {
  place: 'home' | 'twin';
  /** What it allows, in a few words that go on after "may". */
  what: string;
  /** Those who may. */
  who: readonly FeatureRole[];
  /** Those who may on their own twins only: a guest’s declared ones, the device itself, a gateway’s devices. */
  own?: readonly FeatureRole[];
  /** Whether an API key may be given it. */
  forKeys?: true;
}

/** Whoever belongs to the home, guests apart. */
export const MEMBERS = ['platform', 'owner', 'admin', 'member'] as const;
/** Those who look after the home. */
export const KEEPERS = ['platform', 'owner', 'admin'] as const;
