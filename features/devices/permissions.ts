/** Who may do what with devices, those of gateways apart. */
import { type FeatureAction, KEEPERS } from '../contract/action.ts';

export const devicesActions = {
  'devices.manage': {
    place: 'home',
    what: 'claim devices; make and revoke their secrets; have gateways',
    who: KEEPERS,
  },
} as const satisfies Record<string, FeatureAction>;
