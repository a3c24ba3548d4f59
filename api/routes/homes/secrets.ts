/** What rules of a home show other services to be let in. */

import { z } from 'zod';
import { mustReadHome } from '../../../engine/index.ts';
import { iso, Moment } from '../../../features/contract/moment.ts';
import { HomePath, SecretPath } from '../../../features/contract/parameters.ts';
import { nameOf } from '../../../identity/index.ts';
import { always, conflict, empty, json, notFound, withBody } from '../../http/answers.ts';
import type { App, RouteContext } from '../../http/app.ts';

const TAGS = ['Rules'];

const SecretName = z
  .object({ name: z.string(), setAt: Moment })
  .meta({ id: 'HomeSecret', description: 'A secret of a home, without itself.' });
const GivenSecret = z
  .strictObject({
    value: z
      .string()
      .regex(/^[\x20-\x7e]{1,4000}$/, 'must be 1 to 4,000 printable ASCII characters')
      .describe('Kept sealed, and never shown.'),
  })
  .meta({ id: 'GivenSecret', examples: [{ value: 'token-of-the-other-service' }] });

export function homeSecretRoutes(app: App, { engine, identity: { secrets } }: RouteContext): void {
  app.get(
    '/homes/:home/secrets',
    {
      config: { action: 'secrets.manage' },
      schema: {
        operationId: 'listHomeSecrets',
        tags: TAGS,
        summary: 'List the secrets of a home by their names',
        params: HomePath,
        response: {
          200: json('All of them.', z.object({ items: z.array(SecretName) })),
          ...notFound,
          ...always,
        },
      },
    },
    async ({ params: { home } }) => {
      await mustReadHome(engine, home);
      const items = await secrets.list(home);
      return { items: items.map(({ name, setAt }) => ({ name, setAt: iso(setAt) })) };
    },
  );

  app.put(
    '/homes/:home/secrets/:name',
    {
      config: { action: 'secrets.manage' },
      schema: {
        operationId: 'setHomeSecret',
        tags: TAGS,
        summary: 'Set a secret of a home',
        description:
          'In place of what it was. Headers of a rule’s webhook action name it, as an expression `secrets.name`; it is put in when the request leaves, and stands in no journal.',
        params: SecretPath,
        body: GivenSecret,
        response: {
          204: empty('It counts from the next request on.'),
          ...notFound,
          ...conflict,
          ...withBody,
          ...always,
        },
      },
    },
    async ({ params: { home, name }, body, principal }, reply) => {
      await mustReadHome(engine, home);
      await secrets.set(home, name, body.value, nameOf(principal));
      return reply.code(204).send();
    },
  );

  app.delete(
    '/homes/:home/secrets/:name',
    {
      config: { action: 'secrets.manage' },
      schema: {
        operationId: 'removeHomeSecret',
        tags: TAGS,
        summary: 'Remove a secret of a home',
        description: 'What still names it becomes a dead letter.',
        params: SecretPath,
        response: { 204: empty('It is gone.'), ...notFound, ...withBody, ...always },
      },
    },
    async ({ params: { home, name } }, reply) => {
      await mustReadHome(engine, home);
      await secrets.remove(home, name);
      return reply.code(204).send();
    },
  );
}
