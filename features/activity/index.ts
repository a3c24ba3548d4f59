/** How much goes on in a home, by days: a projection and a route. */
import type { Feature } from '../contract/feature.ts';
import { activity } from './activity.ts';
import { activityRoutes } from './routes.ts';

export const activityFeature: Feature = {
  name: 'activity',
  projections: [activity],
  start: ({ engine }) => ({ routes: activityRoutes(engine) }),
};
