/** Tokens with which a factory enrols the devices that it makes. */
import { z } from 'zod';
import { assertDeviceKind } from '../../../engine/index.ts';
import type { FactoryToken } from '../../contract/access.ts';
import { iso, Moment, MomentValue } from '../../contract/moment.ts';
import { DisplayName } from '../../contract/naming.ts';
import { IdPath } from '../../contract/parameters.ts';
import { creatingRoute, type FeatureRoute, route, silentRoute } from '../../contract/route.ts';
import type { DevicesContext } from './devices-context.ts';

const tags = ['Provisioning'];

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

export function factoryTokenRoutes({
  engine,
  access: { factory },
}: DevicesContext): FeatureRoute[] {
  return [
    route({
      method: 'GET',
      path: '/factory-tokens',
      action: 'factory.manage',
      operationId: 'listFactoryTokens',
      tags,
      summary: 'List the factory tokens',
      answer: { description: 'All of them.', schema: z.object({ items: z.array(Token) }) },
      problems: [],
      handle: async () => ({ items: (await factory.list()).map(toToken) }),
    }),

    creatingRoute({
      method: 'POST',
      path: '/factory-tokens',
      action: 'factory.manage',
      operationId: 'makeFactoryToken',
      tags,
      summary: 'Make a factory token',
      body: NewToken,
      created: { description: 'The token.', schema: MadeToken },
      problems: ['refused'],
      async handle({ body: { name, kind, uses, expiresAt }, principal }) {
        assertDeviceKind(engine.kinds, kind);
        const wanted = { name, kind, usesLeft: uses, expiresAt };
        const { token, secret } = await factory.make(wanted, principal);
        return { ...toToken(token), secret };
      },
    }),

    silentRoute({
      method: 'DELETE',
      path: '/factory-tokens/:id',
      action: 'factory.manage',
      operationId: 'revokeFactoryToken',
      tags,
      summary: 'Revoke a factory token',
      description: 'It enrols no more; what it has enrolled stays.',
      params: IdPath,
      done: 'It is void.',
      problems: ['not-found'],
      handle: ({ params }) => factory.revoke(params.id),
    }),
  ];
}

function toToken({ createdAt, expiresAt, ...token }: FactoryToken): z.infer<typeof Token> {
  return { ...token, createdAt: iso(createdAt), expiresAt: iso(expiresAt) };
}
