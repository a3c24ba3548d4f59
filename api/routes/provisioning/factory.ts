/** Tokens with which a factory enrols the devices that it makes. */
import { z } from 'zod';
import { assertDeviceKind } from '../../../engine/index.ts';
import { iso, Moment, MomentValue } from '../../../features/contract/moment.ts';
import { IdPath } from '../../../features/contract/parameters.ts';
import { type FactoryToken, nameOf } from '../../../identity/index.ts';
import { always, empty, json, notFound, refused, withBody } from '../../http/answers.ts';
import type { App, RouteContext } from '../../http/app.ts';
import { DisplayName } from '../../http/naming.ts';

const TAGS = ['Provisioning'];

const NewToken = z
  .strictObject({
    name: DisplayName,
    kind: z.string().min(1).max(64).describe('Of the devices; one of GET /v1/kinds.'),
    uses: z.int().min(1).max(1_000_000).describe('How many devices it may enrol.'),
    expiresAt: MomentValue,
  })
  .meta({
    id: 'NewFactoryToken',
    examples: [{ name: 'Lot 7', kind: 'thermostat', uses: 500, expiresAt: '2027-01-01T00:00:00Z' }],
  });
const Token = z
  .object({
    id: z.string(),
    name: z.string(),
    kind: z.string(),
    usesLeft: z.int(),
    createdAt: Moment,
    expiresAt: Moment,
  })
  .meta({ id: 'FactoryToken', description: 'A factory token, without its secret.' });
const MadeToken = Token.extend({ secret: z.string().describe('Shown this once.') }).meta({
  id: 'MadeFactoryToken',
  description: 'A factory token and its secret.',
});

export function factoryRoutes(app: App, { engine, identity }: RouteContext): void {
  const { factory } = identity;

  app.get(
    '/factory-tokens',
    {
      config: { action: 'factory.manage' },
      schema: {
        operationId: 'listFactoryTokens',
        tags: TAGS,
        summary: 'List the factory tokens',
        response: { 200: json('All of them.', z.object({ items: z.array(Token) })), ...always },
      },
    },
    async () => ({ items: (await factory.list()).map(toToken) }),
  );

  app.post(
    '/factory-tokens',
    {
      config: { action: 'factory.manage' },
      schema: {
        operationId: 'makeFactoryToken',
        tags: TAGS,
        summary: 'Make a factory token',
        body: NewToken,
        response: { 201: json('The token.', MadeToken), ...refused, ...withBody, ...always },
      },
    },
    async ({ body: { name, kind, uses, expiresAt }, principal }, reply) => {
      assertDeviceKind(engine.kinds, kind);
      const by = nameOf(principal);
      const { token, secret } = await factory.make({ name, kind, usesLeft: uses, expiresAt }, by);
      return reply.code(201).send({ ...toToken(token), secret });
    },
  );

  app.delete(
    '/factory-tokens/:id',
    {
      config: { action: 'factory.manage' },
      schema: {
        operationId: 'revokeFactoryToken',
        tags: TAGS,
        summary: 'Revoke a factory token',
        description: 'It enrols no more; what it has enrolled stays.',
        params: IdPath,
        response: { 204: empty('It is void.'), ...notFound, ...withBody, ...always },
      },
    },
    async ({ params }, reply) => {
      await factory.revoke(params.id);
      return reply.code(204).send();
    },
  );
}

function toToken({ createdAt, expiresAt, ...token }: FactoryToken): z.infer<typeof Token> {
  return { ...token, createdAt: iso(createdAt), expiresAt: iso(expiresAt) };
}
