/** Keys for automations and services. */

import { z } from 'zod';
import { mustReadHome } from '../../../engine/index.ts';
import { iso, Moment, MomentValue, momentIf } from '../../../features/contract/moment.ts';
import { DisplayName } from '../../../features/contract/naming.ts';
import { HomePath, IdPath, OfHomePath } from '../../../features/contract/parameters.ts';
import { type ApiKey, nameOf } from '../../../identity/index.ts';
import { always, conflict, empty, json, notFound, withBody } from '../../http/answers.ts';
import type { App, RouteContext } from '../../http/app.ts';

const TAGS = ['Keys'];
const DAY_MS = 24 * 60 * 60_000;

function newKeyWith(scopes: readonly string[]) {
  return z
    .strictObject({
      name: DisplayName,
      scopes: z.array(z.enum(scopes)).min(1).describe('What it may do; nothing else.'),
      expiresAt: MomentValue.nullish().describe(
        'When it ends; null: when it is revoked. Default: after 90 days, or as the server is set (API_KEY_DAYS).',
      ),
    })
    .meta({
      id: 'NewKey',
      examples: [{ name: 'Grafana', scopes: ['twins.list', 'twin.explain'] }],
    });
}
const Key = z
  .object({
    id: z.string(),
    name: z.string(),
    home: z.string().nullable().describe('Null: for all homes.'),
    scopes: z.array(z.string()),
    createdAt: Moment,
    expiresAt: Moment.optional(),
    usedAt: Moment.optional().describe('The last use, to the minute.'),
  })
  .meta({ id: 'Key', description: 'An API key, without its secret.' });
const MadeKey = Key.extend({
  secret: z.string().describe('Shown this once. Send it as `Authorization: Bearer`.'),
}).meta({ id: 'MadeKey', description: 'A new API key.' });

export function keyRoutes(app: App, { engine, identity, apiKeyDays }: RouteContext): void {
  const { keys } = identity;
  const NewKey = newKeyWith(identity.permissions.scopes);
  const wantedKey = (home: string | null, { name, scopes, expiresAt }: z.infer<typeof NewKey>) => {
    const end = apiKeyDays === 0 ? null : engine.clock.now() + apiKeyDays * DAY_MS;
    const wanted = { home, name, scopes };
    return { ...wanted, expiresAt: expiresAt === undefined ? end : expiresAt };
  };
  const listed = { 200: json('All of them.', z.object({ items: z.array(Key) })), ...always };
  const made = { 201: json('The new key.', MadeKey), ...withBody, ...always };
  const revoked = { 204: empty('It is void, at once.'), ...notFound, ...withBody, ...always };

  app.get(
    '/keys',
    {
      config: { action: 'keys.manage-all' },
      schema: {
        operationId: 'listAllKeys',
        tags: TAGS,
        summary: 'List the keys for all homes',
        response: listed,
      },
    },
    async () => ({ items: (await keys.list(null)).map(toKey) }),
  );

  app.post(
    '/keys',
    {
      config: { action: 'keys.manage-all', proof: true },
      schema: {
        operationId: 'makeKeyForAll',
        tags: TAGS,
        summary: 'Make a key for all homes',
        body: NewKey,
        response: made,
      },
    },
    async ({ body, principal }, reply) => {
      const { key, secret } = await keys.make(wantedKey(null, body), nameOf(principal));
      return reply.code(201).send({ ...toKey(key), secret });
    },
  );

  app.delete(
    '/keys/:id',
    {
      config: { action: 'keys.manage-all' },
      schema: {
        operationId: 'revokeKeyForAll',
        tags: TAGS,
        summary: 'Revoke a key for all homes',
        params: IdPath,
        response: revoked,
      },
    },
    async ({ params }, reply) => {
      await keys.revoke(null, params.id);
      return reply.code(204).send();
    },
  );

  app.get(
    '/homes/:home/keys',
    {
      config: { action: 'keys.manage' },
      schema: {
        operationId: 'listKeys',
        tags: TAGS,
        summary: 'List the keys of a home',
        params: HomePath,
        response: { ...listed, ...notFound },
      },
    },
    async ({ params }) => {
      await mustReadHome(engine, params.home);
      return { items: (await keys.list(params.home)).map(toKey) };
    },
  );

  app.post(
    '/homes/:home/keys',
    {
      config: { action: 'keys.manage', proof: true },
      schema: {
        operationId: 'makeKey',
        tags: TAGS,
        summary: 'Make a key for a home',
        description:
          'It may do nothing elsewhere, and nothing that its scopes do not name. It ends when whoever made it may make keys of the home no more.',
        params: HomePath,
        body: NewKey,
        response: { ...made, ...notFound, ...conflict },
      },
    },
    async ({ params, body, principal }, reply) => {
      await mustReadHome(engine, params.home);
      const { key, secret } = await keys.make(wantedKey(params.home, body), nameOf(principal));
      return reply.code(201).send({ ...toKey(key), secret });
    },
  );

  app.delete(
    '/homes/:home/keys/:id',
    {
      config: { action: 'keys.manage' },
      schema: {
        operationId: 'revokeKey',
        tags: TAGS,
        summary: 'Revoke a key of a home',
        params: OfHomePath,
        response: revoked,
      },
    },
    async ({ params: { home, id } }, reply) => {
      await keys.revoke(home, id);
      return reply.code(204).send();
    },
  );
}

function toKey(key: ApiKey): z.infer<typeof Key> {
  const { id, name, home, scopes, createdAt, expiresAt, usedAt } = key;
  return {
    ...{ id, name, home, scopes, createdAt: iso(createdAt) },
    ...momentIf('expiresAt', expiresAt),
    ...momentIf('usedAt', usedAt),
  };
}
