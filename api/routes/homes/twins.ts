import { z } from 'zod';
import {
  assertAddress,
  assertHomeName,
  mustReadHome,
  mustReadTwin,
  readingOf,
} from '../../../engine/index.ts';
import { EventFields } from '../../../features/contract/event-fields.ts';
import { DisplayName, NewId, RoomId } from '../../../features/contract/naming.ts';
import { listOf } from '../../../features/contract/pages.ts';
import { HomePath, PageQuery, QueryText, TwinPath } from '../../../features/contract/parameters.ts';
import { Twin, toTwin } from '../../../features/contract/twin.ts';
import { SHOWN } from '../../access/visibility.ts';
import {
  always,
  conflict,
  empty,
  etag,
  json,
  location,
  notFound,
  refused,
  stale,
  withBody,
} from '../../http/answers.ts';
import type { App, RouteContext } from '../../http/app.ts';
import { IdempotencyKey, requesterOf } from '../../http/requester.ts';
import { etagOf, IfMatch, IfNoneMatch, isKnown } from '../../http/revision.ts';

/** Years of journal may go. */
const LONG_MS = 60_000;

const NewTwin = z
  .strictObject({
    id: NewId,
    kind: z.string().max(64).describe('One of GET /v1/kinds.'),
    name: DisplayName.optional().describe('Default: the id.'),
    room: RoomId.optional(),
    settings: EventFields.optional().describe('What differs from the kind’s defaults.'),
  })
  .meta({ id: 'NewTwin', examples: [{ id: 'pump', kind: 'relay', name: 'Pump' }] });

const TwinChange = z
  .strictObject({
    name: DisplayName.optional(),
    room: RoomId.optional(),
    settings: EventFields.optional().describe('Only what changes.'),
  })
  .refine((change) => Object.keys(change).length > 0, 'changes nothing')
  .meta({
    id: 'TwinChange',
    minProperties: 1,
    examples: [{ name: 'Garden pump', settings: { autoOffMs: 600000 } }],
  });

const TwinQuery = PageQuery.extend({
  kind: QueryText.optional(),
  room: QueryText.optional().describe('The id of a room.'),
  state: QueryText.optional().describe('A state by its path: `link.offline`, or `idle`.'),
  text: QueryText.optional().describe('Part of the id or name, in any case.'),
});

export function twinRoutes(app: App, { engine }: RouteContext): void {
  app.get(
    '/homes/:home/twins',
    {
      config: { action: 'twins.list' },
      schema: {
        operationId: 'listTwins',
        tags: ['Twins'],
        summary: 'List the twins of a home',
        description: 'By id, ascending. Filters narrow each other down.',
        params: HomePath,
        querystring: TwinQuery,
        response: { 200: json('A page of twins.', listOf(Twin)), ...notFound, ...always },
      },
    },
    async ({ params, query }) => {
      await mustReadHome(engine, params.home);
      const { limit, cursor, ...filter } = query;
      const page = await engine.storage.listTwins(params.home, filter, { limit, cursor });
      const items = page.items.map((row) => toTwin(readingOf(engine, row)));
      return { items, nextCursor: page.nextCursor };
    },
  );

  app.post(
    '/homes/:home/twins',
    {
      config: { action: 'twin.make' },
      schema: {
        operationId: 'createTwin',
        tags: ['Twins'],
        summary: 'Create a twin',
        description:
          'Its device may speak before or after. Devices can also register themselves; see PROVISIONING.',
        params: HomePath,
        headers: IdempotencyKey,
        body: NewTwin,
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
      assertHomeName(params.home);
      const { id: twin, kind, name, room, settings } = body;
      const made = await engine.createTwin(
        { home: params.home, twin, kind, ...change({ name, room, settings }) },
        requesterOf(principal, { 'idempotency-key': headers['idempotency-key'] }),
      );
      return reply
        .code(201)
        .header('location', `/v1/homes/${params.home}/twins/${twin}`)
        .header('etag', etagOf(made.row.revision))
        .send(toTwin(made));
    },
  );

  app.get(
    '/homes/:home/twins/:twin',
    {
      config: { action: SHOWN.twin },
      schema: {
        operationId: 'readTwin',
        tags: ['Twins'],
        summary: 'Read one twin',
        description:
          'The `ETag` is its revision: pass it as `If-Match` to change what you have seen.',
        params: TwinPath,
        headers: IfNoneMatch,
        response: {
          200: json('The twin.', Twin, etag),
          304: empty('It is at the revision that you have.'),
          ...notFound,
          ...always,
        },
      },
    },
    async ({ params, headers }, reply) => {
      const reading = await mustReadTwin(engine, params);
      const { revision } = reading.row;
      reply.header('etag', etagOf(revision)).header('cache-control', 'no-cache');
      if (isKnown(headers['if-none-match'], revision)) return reply.code(304).send();
      return reply.send(toTwin(reading));
    },
  );

  app.patch(
    '/homes/:home/twins/:twin',
    {
      config: { action: 'twin.manage' },
      schema: {
        operationId: 'changeTwin',
        tags: ['Twins'],
        summary: 'Change a twin’s name, room or settings',
        description: 'All of it or nothing. Settings that are not named stay.',
        params: TwinPath,
        headers: IfMatch.extend(IdempotencyKey.shape),
        body: TwinChange,
        response: {
          200: json('The twin as it is now.', Twin, etag),
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
      const changed = await engine.updateTwin(
        params,
        change(body),
        requesterOf(principal, headers),
      );
      return reply.header('etag', etagOf(changed.row.revision)).send(toTwin(changed));
    },
  );

  app.delete(
    '/homes/:home/twins/:twin',
    {
      handlerTimeout: LONG_MS,
      config: { action: 'twin.manage' },
      schema: {
        operationId: 'deleteTwin',
        tags: ['Twins'],
        summary: 'Delete a twin with its journal and history',
        description: 'Its room hears that it left. There is no way back.',
        params: TwinPath,
        headers: IfMatch,
        response: { 204: empty('It is gone.'), ...notFound, ...stale, ...withBody, ...always },
      },
    },
    async ({ params, headers, principal }, reply) => {
      await engine.deleteTwin(params, requesterOf(principal, headers));
      return reply.code(204).send();
    },
  );
}

/** The change, without the members that were not given. */
function change({
  name,
  room,
  settings,
}: {
  name?: string | undefined;
  room?: string | null | undefined;
  settings?: z.infer<typeof EventFields> | undefined;
}) {
  return {
    ...(name !== undefined && { name }),
    ...(room !== undefined && { room }),
    ...(settings !== undefined && { settings }),
  };
}
