/** Who may do what with rules. */
import { type FeatureAction, KEEPERS, MEMBERS } from '../contract/action.ts';

export const rulesActions = {
  'rules.read': {
    place: 'home',
    what: 'read and check rules, and why they did what they did',
    who: MEMBERS,
    forKeys: true,
  },
  'rules.run': { place: 'home', what: 'run a rule by hand', who: MEMBERS, forKeys: true },
  'rules.change': {
    place: 'home',
    what: 'make rules live, change and delete them',
    who: KEEPERS,
    forKeys: true,
  },
  'kits.change': {
    place: 'home',
    what: 'install and remove kits: twins, scenes, blueprints and rules at once',
    who: KEEPERS,
    forKeys: true,
  },
} as const satisfies Record<string, FeatureAction>;
