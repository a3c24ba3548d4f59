import type { AnyKind } from '../../engine/index.ts';
import { kinds as devicesAndRooms } from '../../twins/catalogue.ts';
import { features } from '../loaded-features.ts';

/** Kinds whose twins hold what an author wrote: who does not read rules does not see their turns. */
export const authoredKinds: readonly AnyKind[] = features.flatMap(({ authored = [] }) => authored);

/** All kinds of twins that come with Homeostat. */
export const builtInKinds: readonly AnyKind[] = [
  ...devicesAndRooms,
  ...features.flatMap(({ kinds = [] }) => kinds),
];
