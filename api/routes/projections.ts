import { z } from 'zod';
import { always, conflict, json, notFound, withBody } from '../http/answers.ts';
import type { App, RouteContext } from '../http/app.ts';
import { Projection, toProjection } from '../http/resources/projection.ts';

const ProjectionPath = z.object({
  name: z
    .string()
    .max(64)
    .describe('The name of the projection.')
    .meta({ examples: ['activity'] }),
});

export function projectionRoutes(app: App, { engine }: RouteContext): void {
  app.get(
    '/projections',
    {
      config: { action: 'platform.read' },
      schema: {
        operationId: 'listProjections',
        tags: ['Mending'],
        summary: 'List the tables that are computed from the journal',
        description:
          'One that is being rebuilt is listed twice: as it answers, and as it is built.',
        response: {
          200: json('All of them.', z.object({ items: z.array(Projection) })),
          ...always,
        },
      },
    },
    async () => ({ items: (await engine.listProjections()).map(toProjection) }),
  );

  app.post(
    '/projections/:name/rebuild',
    {
      config: { action: 'platform.mend' },
      schema: {
        operationId: 'rebuildProjection',
        tags: ['Mending'],
        summary: 'Build a projection anew from the journal',
        description:
          'In the background, beside the one that answers, whose place it then takes. What the journal does not hold any more is not in it: see `since`.',
        params: ProjectionPath,
        response: {
          202: json('It has begun.', Projection),
          ...notFound,
          ...conflict,
          ...withBody,
          ...always,
        },
      },
    },
    async ({ params }, reply) => {
      reply.code(202);
      return toProjection(await engine.rebuildProjection(params.name));
    },
  );
}
