import { z } from 'zod';
import { assertAddress, EngineError } from '../../../../engine/index.ts';
import { AnyObject } from '../../../../features/contract/json-value.ts';
import { TwinPath } from '../../../../features/contract/parameters.ts';
import {
  always,
  conflict,
  json,
  location,
  notFound,
  refused,
  stale,
  withBody,
} from '../../../http/answers.ts';
import type { App, RouteContext } from '../../../http/app.ts';
import { IdempotencyKey, requesterOf } from '../../../http/requester.ts';
import { Intent, toIntent } from '../../../http/resources/intent.ts';
import { IfMatch } from '../../../http/revision.ts';
import { Refusal } from '../../../problem.ts';

const NewCommand = z
  .strictObject({
    name: z.string().max(100).describe('One of the commands that the twin’s kind lists.'),
    args: AnyObject.optional(),
    ttl: z
      .int()
      .min(1)
      .max(7 * 24 * 60 * 60_000)
      .optional()
      .describe('How long the device has, ms. Default: what the kind says.'),
  })
  .meta({ id: 'NewCommand', examples: [{ name: 'switch', args: { on: true }, ttl: 30000 }] });

export function commandRoutes(app: App, { engine }: RouteContext): void {
  app.post(
    '/homes/:home/twins/:twin/commands',
    {
      config: { action: 'twin.steer' },
      schema: {
        operationId: 'sendCommand',
        tags: ['Steering'],
        summary: 'Ask a device to do something, once',
        description:
          'Stored before it is sent. The answer is the intent: follow it at its own address, or on the stream. To have something pursued until it is so, PATCH the desired state instead.',
        params: TwinPath,
        headers: IfMatch.extend(IdempotencyKey.shape),
        body: NewCommand,
        response: {
          202: json('The intent, on its way.', Intent, location),
          ...notFound,
          ...conflict,
          ...stale,
          ...refused,
          ...withBody,
          ...always,
        },
      },
    },
    async ({ params, body, headers, principal }, reply) => {
      assertAddress(params);
      const { name, args = {}, ttl } = body;
      const by = requesterOf(principal, headers);
      const command = { name, args, ...(ttl !== undefined && { ttl }) };
      const intent = await engine.command(params, command, by).catch((error: unknown) => {
        // The key has been spent on something that was not a command
        if (by.key === undefined || !(error instanceof EngineError && error.code === 'not-found')) {
          throw error;
        }
        throw new Refusal('conflict', 'this Idempotency-Key has been used for another request', {
          hint: 'Choose a new key for each thing that you want done.',
        });
      });
      return reply
        .code(202)
        .header('location', `/v1/homes/${params.home}/intents/${encodeURIComponent(intent.id)}`)
        .send(toIntent(intent));
    },
  );
}
