/** All projections: of each feature that has one. */
import type { Projection } from '../engine/index.ts';
import { activity } from './activity/activity.ts';

export const projections: readonly Projection[] = [activity];
