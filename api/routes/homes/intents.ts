import { z } from 'zod';
import { EngineError, mustReadHome } from '../../../engine/index.ts';
import { listOf } from '../../../features/contract/pages.ts';
import {
  HomePath,
  OfHomePath,
  PageQuery,
  QueryText,
} from '../../../features/contract/parameters.ts';
import { SHOWN } from '../../access/visibility.ts';
import { always, json, notFound } from '../../http/answers.ts';
import type { App, RouteContext } from '../../http/app.ts';
import { Intent, IntentStatus, toIntent } from '../../http/resources/intent.ts';

const IntentQuery = PageQuery.extend({
  twin: QueryText.optional(),
  status: z
    .union([IntentStatus, z.literal('open')])
    .optional()
    .describe('`open`: those that have not come to their end.'),
  cause: QueryText.optional().describe('Id of the event that asked for it.'),
});

export function intentRoutes(app: App, { engine }: RouteContext): void {
  app.get(
    '/homes/:home/intents',
    {
      config: { action: SHOWN.intent },
      schema: {
        operationId: 'listIntents',
        tags: ['Steering'],
        summary: 'List the commands of a home and what became of them',
        description: 'Newest first.',
        params: HomePath,
        querystring: IntentQuery,
        response: { 200: json('A page of intents.', listOf(Intent)), ...notFound, ...always },
      },
    },
    async ({ params, query }) => {
      await mustReadHome(engine, params.home);
      const { limit, cursor, ...filter } = query;
      const page = await engine.listIntents(params.home, filter, { limit, cursor });
      return { items: page.items.map(toIntent), nextCursor: page.nextCursor };
    },
  );

  app.get(
    '/homes/:home/intents/:id',
    {
      config: { action: SHOWN.intent },
      schema: {
        operationId: 'readIntent',
        tags: ['Steering'],
        summary: 'Read one command’s life',
        description: 'From the moment it was asked for to its end.',
        params: OfHomePath,
        response: { 200: json('The intent.', Intent), ...notFound, ...always },
      },
    },
    async ({ params }) => {
      await mustReadHome(engine, params.home);
      const intent = await engine.getIntent(params.home, params.id);
      if (intent) return toIntent(intent);
      throw new EngineError('not-found', `home ${params.home} has no intent ${params.id}`, {
        hint: 'Ids contain "/", "@" and "#": percent-encode them.',
      });
    },
  );
}
