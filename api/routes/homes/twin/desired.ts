import { always, etag, json, notFound, refused, stale, withBody } from '../../../http/answers.ts';
import type { App, RouteContext } from '../../../http/app.ts';
import { EventFields } from '../../../http/event-fields.ts';
import { assertAddress, TwinPath } from '../../../http/parameters.ts';
import { IdempotencyKey, requesterOf } from '../../../http/requester.ts';
import { Receipt, toReceipt } from '../../../http/resources/receipt.ts';
import { etagOf, IfMatch } from '../../../http/revision.ts';

const DesiredPatch = EventFields.meta({
  id: 'DesiredPatch',
  ...{ type: 'object', additionalProperties: true, not: { required: ['type'] } },
  description: 'A JSON Merge Patch (RFC 7396) of the desired state: only what changes.',
  examples: [{ on: true }],
});

export function desiredRoutes(app: App, { engine }: RouteContext): void {
  app.patch(
    '/homes/:home/twins/:twin/desired',
    {
      config: { action: 'twin.steer' },
      schema: {
        operationId: 'desire',
        tags: ['Steering'],
        summary: 'Say what a twin should be like',
        description:
          'The twin pursues it, with commands and retries, for as long as it takes. The kind says what can be desired.',
        consumes: ['application/merge-patch+json', 'application/json'],
        params: TwinPath,
        headers: IfMatch.extend(IdempotencyKey.shape),
        body: DesiredPatch,
        response: {
          200: json('What became of it.', Receipt, etag),
          ...notFound,
          ...stale,
          ...refused,
          ...withBody,
          ...always,
        },
      },
    },
    async ({ params, body, headers, principal }, reply) => {
      assertAddress(params);
      const receipt = toReceipt(await engine.desire(params, body, requesterOf(principal, headers)));
      return reply.header('etag', etagOf(receipt.revision)).send(receipt);
    },
  );
}
