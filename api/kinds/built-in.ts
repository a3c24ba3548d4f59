import type { AnyKind } from '../../engine/index.ts';
import { blueprint, kit, rule } from '../../rules/index.ts';
import { kinds as devicesAndRooms } from '../../twins/catalogue.ts';

/** All kinds of twins that come with Homeostat. */
export const builtInKinds: readonly AnyKind[] = [...devicesAndRooms, rule, blueprint, kit];
