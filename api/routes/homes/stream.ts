import { z } from 'zod';
import { mustReadHome } from '../../../engine/index.ts';
import { HomePath, QueryText } from '../../../features/contract/parameters.ts';
import { accountOf } from '../../../identity/index.ts';
import { Rights } from '../../access/rights.ts';
import { always, notFound } from '../../http/answers.ts';
import type { App, RouteContext } from '../../http/app.ts';
import { streamEvents } from '../../live/event-stream.ts';
import type { LiveConnections } from '../../live/live-connections.ts';
import { openFeed } from '../../live/live-feed.ts';

const StreamQuery = z.object({
  twin: QueryText.optional().describe('Only this twin.'),
  kind: QueryText.optional().describe('Only twins of this kind.'),
  snapshot: z
    .enum(['true', 'false'])
    .default('false')
    .describe(
      'Begin with the present twins, each as event `snapshot`, then `snapshot.end`; where the stream goes on from an id: only if it cannot.',
    ),
  resume: QueryText.optional().describe(
    'Go on after the message with this id; `Last-Event-ID`, which a browser sends when it connects again, counts before it.',
  ),
  access_token: z
    .string()
    .optional()
    .describe('The token, for EventSource, which cannot send headers.'),
});

export function streamRoutes(
  app: App,
  { engine, identity, connections }: RouteContext & { connections: LiveConnections },
): void {
  app.get(
    '/homes/:home/stream',
    {
      exposeHeadRoute: false,
      config: { action: 'home.follow', stream: true },
      schema: {
        operationId: 'streamHome',
        tags: ['Live'],
        summary: 'Follow what happens in a home',
        description:
          'Server-sent events: `hello`, then `twin` (a turn: see TwinChanged), `twin.removed`, `intent`, `alert`, each after its commit; `data` is JSON. Each shows what the reader may read over REST and no more. Messages carry an `id`; a stream that is opened with it goes on after that message, each change once and in order, or `gap` says why it cannot, and the stream goes on from now: read the twins again. `lagged` says how many a slow reader missed, and in `resume` from which id it may have them after all. A comment every 15 s keeps proxies from closing the connection.',
        params: HomePath,
        querystring: StreamQuery,
        headers: z.looseObject({ 'last-event-id': z.string().optional() }),
        response: {
          200: {
            description: 'The stream; it does not end by itself.',
            content: { 'text/event-stream': { schema: z.string() } },
          },
          ...notFound,
          ...always,
        },
      },
    },
    async (request, reply) => {
      const { params, query, headers } = request;
      await mustReadHome(engine, params.home);
      connections.assertRoom(accountOf(request.principal));
      const rights = new Rights(identity, request.principal);
      const filter = {
        home: params.home,
        twin: query.twin,
        kind: query.kind,
        snapshot: query.snapshot === 'true',
        resume: headers['last-event-id'] || query.resume,
      };
      const feed = openFeed(engine, filter, rights);
      reply.hijack();
      // They would be sent with the answer that is not sent now
      for (const [name, value] of Object.entries(reply.getHeaders())) {
        if (value !== undefined) reply.raw.setHeader(name, value);
      }
      await streamEvents(reply.raw, feed, {
        clock: engine.clock,
        connections,
        url: request.url,
        account: rights.account,
        watch: (onLost) => rights.watch(() => [params.home], onLost),
      });
    },
  );
}
