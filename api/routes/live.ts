import { z } from 'zod';
import { accountOf } from '../../identity/index.ts';
import { Rights } from '../access/rights.ts';
import { always, problem } from '../http/answers.ts';
import type { App, RouteContext } from '../http/app.ts';
import type { LiveConnections } from '../live/live-connections.ts';
import { LiveSession } from '../live/live-session.ts';
import { Refusal } from '../problem.ts';

/** https://www.iana.org/assignments/websocket */
const TRY_AGAIN_LATER = 1013;

const DESCRIPTION = `Send JSON text messages:

- \`{"action": "subscribe", "id": "a", "home": "home", "kind"?, "twin"?, "snapshot"?: true, "resume"?: "…"}\` — answered with \`{"type": "subscribed", "subscription": "a"}\`; up to 32 per connection
- \`{"action": "unsubscribe", "id": "a"}\`
- \`{"action": "ping"}\` — answered with \`{"type": "pong"}\`

What happens arrives as \`{"type": "twin", "subscription": "a", "id": "…", "data": …}\`; types and data are those of LiveMessage. After a cut subscribe with \`resume\`, the last \`id\` of that subscription: what came after it arrives first, each once and in order, or \`gap\` says why not: read the twins again (with \`snapshot\` they follow by themselves). \`position\` has but an id: up to there nothing else was for you. A message that cannot be read is answered with \`{"type": "error", "code", "message", "hint"?}\`. A client that does not read is told how much it missed (\`lagged\`), and cut off when it answers no ping for 15 s, or sends more than 100 messages in a second (close code 1008). A page of another origin connects only when the server allows it (403).`;

export function liveRoutes(
  app: App,
  { engine, identity, connections }: RouteContext & { connections: LiveConnections },
): void {
  app.route({
    method: 'GET',
    url: '/live',
    exposeHeadRoute: false,
    config: { action: 'live.connect', stream: true },
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
    preHandler: async ({ principal }) => connections.assertRoom(accountOf(principal)),
    handler: () => {
      throw new Refusal('upgrade-required', 'this address speaks WebSocket only', {
        hint: 'Connect with a WebSocket client: ws://…/v1/live?access_token=…',
      });
    },
    wsHandler: (socket, { principal }) => {
      try {
        new LiveSession(socket, engine, connections, new Rights(identity, principal));
      } catch {
        // Others have come while this one was let in
        socket.close(TRY_AGAIN_LATER, 'too many streams are open');
      }
    },
  });
}
