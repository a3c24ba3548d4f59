import { z } from 'zod';
import { assertAddress } from '../../../../engine/index.ts';
import { EventFields } from '../../../../features/contract/event-fields.ts';
import { TwinPath } from '../../../../features/contract/parameters.ts';
import { Receipt, toReceipt } from '../../../../features/contract/receipt.ts';
import type { Principal } from '../../../../identity/index.ts';
import { always, etag, json, notFound, refused, stale, withBody } from '../../../http/answers.ts';
import type { App, RouteContext } from '../../../http/app.ts';
import { IdempotencyKey, requesterOf } from '../../../http/requester.ts';
import { etagOf, IfMatch } from '../../../http/revision.ts';
import { Refusal } from '../../../problem.ts';

const DesiredPatch = EventFields.meta({
  id: 'DesiredPatch',
  ...{ type: 'object', additionalProperties: true, not: { required: ['type'] } },
  description: 'A JSON Merge Patch (RFC 7396) of the desired state: only what changes.',
  examples: [{ on: true }],
});

export function desiredRoutes(app: App, { engine, identity }: RouteContext): void {
  /** @throws Refusal `forbidden` */
  async function assertMayOverride(
    principal: Principal | null,
    { home, twin }: { home: string; twin: string },
  ): Promise<void> {
    const { may } = await identity.decide(principal, 'twin.override', home, twin);
    if (may) return;
    throw new Refusal('forbidden', 'you may not end what somebody else holds', {
      hint: 'That needs the permission twin.override: docs/permissions.md shows who has it.',
    });
  }

  app.patch(
    '/homes/:home/twins/:twin/desired',
    {
      config: { action: 'twin.steer' },
      schema: {
        operationId: 'desire',
        tags: ['Steering'],
        summary: 'Say what a twin should be like',
        description:
          'The twin pursues it, with commands and retries, for as long as it takes. The kind says what can be desired. A key that somebody holds with a priority above 49 stays as it is; what is wanted here counts when that ends (see `leases` of the twin).',
        consumes: ['application/merge-patch+json', 'application/json'],
        params: TwinPath,
        headers: IfMatch.extend(IdempotencyKey.shape),
        querystring: z.strictObject({
          holdSeconds: z.coerce
            .number()
            .int()
            .min(1)
            .max(366 * 86_400)
            .optional()
            .describe(
              'Hold what is wanted for so long: rules below a priority of 50 cannot change it, and after that time what they want counts.',
            ),
        }),
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
    async ({ params, body, headers, query, principal }, reply) => {
      assertAddress(params);
      const by = requesterOf(principal, headers);
      const holdMs = query.holdSeconds === undefined ? undefined : query.holdSeconds * 1_000;
      const receipt = toReceipt(await engine.desire(params, body, by, holdMs));
      return reply.header('etag', etagOf(receipt.revision)).send(receipt);
    },
  );

  app.delete(
    '/homes/:home/twins/:twin/leases',
    {
      config: { action: 'twin.steer' },
      schema: {
        operationId: 'release',
        tags: ['Steering'],
        summary: 'End what somebody holds of a twin',
        description:
          'What others wanted meanwhile counts then. To end what somebody else holds needs the permission `twin.override`.',
        params: TwinPath,
        headers: IfMatch,
        querystring: z.strictObject({
          holder: z
            .string()
            .min(1)
            .max(200)
            .optional()
            .describe('Whose leases, as the twin shows it; by default your own.'),
        }),
        response: {
          200: json('What became of it.', Receipt, etag),
          ...notFound,
          ...stale,
          ...withBody,
          ...refused,
          ...always,
        },
      },
    },
    async ({ params, headers, query, principal }, reply) => {
      assertAddress(params);
      const by = requesterOf(principal, headers);
      if (query.holder !== undefined && query.holder !== by.principal) {
        await assertMayOverride(principal, params);
      }
      const receipt = toReceipt(await engine.release(params, by, query.holder));
      return reply.header('etag', etagOf(receipt.revision)).send(receipt);
    },
  );
}
