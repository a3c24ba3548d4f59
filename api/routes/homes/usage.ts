/** How much a home has of what there are quotas of. */

import { z } from 'zod';
import { mustReadHome } from '../../../engine/index.ts';
import { HomePath } from '../../../features/contract/parameters.ts';
import { always, json, notFound } from '../../http/answers.ts';
import type { App, RouteContext } from '../../http/app.ts';

const Usage = z
  .object({
    quota: z
      .string()
      .describe(
        '`twins`, `rules`, `devices` (with a secret of their own), `keys`, or `journal-bytes`: about as many as the home has added to its journal since 00:00 UTC, or since the server started.',
      ),
    used: z.int(),
    limit: z.int().nullable().describe('As many as there may be; null: any number.'),
  })
  .meta({
    id: 'Usage',
    description: 'What a home has of something, and how much it may have.',
    examples: [{ quota: 'twins', used: 48, limit: 10_000 }],
  });

export function usageRoutes(app: App, { engine, identity }: RouteContext): void {
  app.get(
    '/homes/:home/usage',
    {
      config: { action: 'usage.read' },
      schema: {
        operationId: 'readUsage',
        tags: ['Homes'],
        summary: 'Read how much a home has of what there are quotas of',
        description:
          'What goes beyond a quota is refused with `quota-exceeded`. Once a home has written its share of the day, telemetry of its devices is refused, and their events once it has written twice as much; critical alerts, commands and what people do go on.',
        params: HomePath,
        response: {
          200: json('Each quota.', z.object({ items: z.array(Usage) })),
          ...notFound,
          ...always,
        },
      },
    },
    async ({ params }) => {
      await mustReadHome(engine, params.home);
      const [ofEngine, ofIdentity] = await Promise.all([
        engine.readUsage(params.home),
        identity.usageOf(params.home),
      ]);
      return { items: [...ofEngine, ...ofIdentity] };
    },
  );
}
