/** The table of permissions of this server: who may do what, in the core and in its features. */
import type { Feature } from '../../features/contract/feature.ts';
import type { devicesActions } from '../../features/devices/index.ts';
import type { rulesActions } from '../../features/rules/index.ts';
import { CORE_ACTIONS, type CoreAction, Permissions } from '../../identity/index.ts';
import { features } from '../loaded-features.ts';

/** Actions that routes of this folder and of `routes/` name. */
export type Action = CoreAction | keyof typeof rulesActions | keyof typeof devicesActions;

/** @throws Error where two name the same action */
export function permissionsWith(some: readonly Feature[]): Permissions {
  return new Permissions(CORE_ACTIONS, ...some.map(({ actions = {} }) => actions));
}

export const permissions = permissionsWith(features);
