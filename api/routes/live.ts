import { z } from 'zod';
import { always, problem } from '../http/answers.ts';
import type { App, RouteContext } from '../http/app.ts';
import type { LiveConnections } from '../live/live-connections.ts';
import { LiveSession } from '../live/live-session.ts';
import { Refusal } from '../problem.ts';

const DESCRIPTION = `Send JSON text messages:

- \`{"action": "subscribe", "id": "a", "home": "home", "kind"?, "twin"?, "snapshot"?: true}\` — answered with \`{"type": "subscribed", "subscription": "a"}\`; up to 32 per connection
- \`{"action": "unsubscribe", "id": "a"}\`
- \`{"action": "ping"}\` — answered with \`{"type": "pong"}\`

What happens arrives as \`{"type": "twin", "subscription": "a", "data": …}\`; types and data are those of LiveMessage. A message that cannot be read is answered with \`{"type": "error", "code", "message", "hint"?}\`. A client that does not read is told how much it missed (\`lagged\`), and cut off when it answers no ping for 15 s.`;

export function liveRoutes(
  app: App,
  { engine, connections }: RouteContext & { connections: LiveConnections },
): void {
  app.route({
    method: 'GET',
    url: '/live',
    exposeHeadRoute: false,
    config: { stream: true },
    schema: {
      operationId: 'followLive',
      tags: ['Live'],
      summary: 'Follow several homes, kinds or twins over one WebSocket',
      description: DESCRIPTION,
      querystring: z.object({
        access_token: z
          .string()
          .optional()
          .describe('The token, for browsers, which cannot send headers with a WebSocket.'),
      }),
      response: {
        101: z.undefined().describe('Switching to WebSocket.'),
        426: problem('This address speaks WebSocket only.'),
        ...always,
      },
    },
    preHandler: async () => connections.assertRoom(),
    handler: () => {
      throw new Refusal('upgrade-required', 'this address speaks WebSocket only', {
        hint: 'Connect with a WebSocket client: ws://…/v1/live?access_token=…',
      });
    },
    wsHandler: (socket) => {
      new LiveSession(socket, engine, connections);
    },
  });
}
