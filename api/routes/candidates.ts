import { z } from 'zod';
import { assertAddress, assertHomeName } from '../../engine/index.ts';
import { DisplayName, RoomId } from '../../features/contract/naming.ts';
import { listOf } from '../../features/contract/pages.ts';
import { HomePath, PageQuery, TwinPath } from '../../features/contract/parameters.ts';
import { Twin, toTwin } from '../../features/contract/twin.ts';
import {
  always,
  conflict,
  etag,
  json,
  location,
  notFound,
  refused,
  withBody,
} from '../http/answers.ts';
import type { App, RouteContext } from '../http/app.ts';
import { IdempotencyKey, requesterOf } from '../http/requester.ts';
import { Candidate, toCandidate } from '../http/resources/candidate.ts';
import { etagOf } from '../http/revision.ts';

const Acceptance = z
  .strictObject({ name: DisplayName.optional(), room: RoomId.optional() })
  .nullish()
  .meta({ id: 'Acceptance', examples: [{ name: 'Garden pump' }] });

export function candidateRoutes(app: App, { engine }: RouteContext): void {
  const list = async (home: string | null, query: z.infer<typeof PageQuery>) => {
    const page = await engine.storage.listCandidates(home, query);
    return { items: page.items.map(toCandidate), nextCursor: page.nextCursor };
  };
  const listed = { 200: json('A page of candidates.', listOf(Candidate)), ...always };

  app.get(
    '/candidates',
    {
      config: { action: 'platform.read' },
      schema: {
        operationId: 'listAllCandidates',
        tags: ['Provisioning'],
        summary: 'List the devices of all homes that wait to be claimed',
        querystring: PageQuery,
        response: listed,
      },
    },
    ({ query }) => list(null, query),
  );

  app.get(
    '/homes/:home/candidates',
    {
      config: { action: 'twin.make' },
      schema: {
        operationId: 'listCandidates',
        tags: ['Provisioning'],
        summary: 'List the devices of a home that wait to be claimed',
        description: 'The home need not exist yet.',
        params: HomePath,
        querystring: PageQuery,
        response: { ...listed, ...notFound },
      },
    },
    ({ params, query }) => {
      assertHomeName(params.home);
      return list(params.home, query);
    },
  );

  app.post(
    '/homes/:home/candidates/:twin/accept',
    {
      config: { action: 'twin.make' },
      schema: {
        operationId: 'acceptCandidate',
        tags: ['Provisioning'],
        summary: 'Make the twin of a device that waits',
        description: 'From then on its messages count. Its home is made, if need be.',
        params: TwinPath,
        headers: IdempotencyKey,
        body: Acceptance,
        response: {
          201: json('The new twin.', Twin, { ...etag, ...location }),
          ...notFound,
          ...conflict,
          ...refused,
          ...withBody,
          ...always,
        },
      },
    },
    async ({ params, body, headers, principal }, reply) => {
      assertAddress(params);
      const as = {
        ...(body?.name !== undefined && { name: body.name }),
        ...(body?.room !== undefined && { room: body.room }),
      };
      const made = await engine.acceptCandidate(params, as, requesterOf(principal, headers));
      return reply
        .code(201)
        .header('location', `/v1/homes/${params.home}/twins/${params.twin}`)
        .header('etag', etagOf(made.row.revision))
        .send(toTwin(made));
    },
  );
}
