/** What a rule is checked against: the twins of its home, their kinds, and the other rules. */
import type { KnownHome } from '../checker/known-home.ts';
import type { Definition } from '../rule-definition.ts';

export interface HomeSnapshot extends KnownHome {
  /** The rules that are live, without the one that is checked. */
  rules: readonly Definition[];
}
