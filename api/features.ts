/** The features of this server. To add one: its folder, a line here, and a migration where it stores something of its own. */
import { activityFeature } from '../features/activity/index.ts';
import type { Feature } from '../features/contract/feature.ts';
import { rulesFeature } from '../features/rules/index.ts';

export const features: readonly Feature[] = [rulesFeature, activityFeature];

export const projections = features.flatMap((feature) => feature.projections ?? []);
