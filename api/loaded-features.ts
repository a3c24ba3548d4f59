/** The features that `features.ts` lists, as the server and what works on its database need them. */
import { FEATURES } from './features.ts';

export const features = await Promise.all(FEATURES.map(({ load }) => load()));

export const projections = features.flatMap((feature) => feature.projections ?? []);
