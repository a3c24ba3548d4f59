import type { AnyKind } from '../../engine/index.ts';
import { blueprint, kit, rule } from '../../features/rules/index.ts';
import { kinds as devicesAndRooms } from '../../twins/catalogue.ts';

/** Kinds whose twins hold what an author wrote: who does not read rules does not see their turns. */
export const authoredKinds: readonly AnyKind[] = [rule, blueprint, kit];

/** All kinds of twins that come with Homeostat. */
export const builtInKinds: readonly AnyKind[] = [...devicesAndRooms, ...authoredKinds];
