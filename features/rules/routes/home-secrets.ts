/** What rules of a home show other services to be let in. */

import { z } from 'zod';
import { mustReadHome } from '../../../engine/index.ts';
import { iso, Moment } from '../../contract/moment.ts';
import { HomePath, SecretPath } from '../../contract/parameters.ts';
import { type FeatureRoute, route, silentRoute } from '../../contract/route.ts';
import type { RulesContext } from './rules-context.ts';

const tags = ['Rules'];

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

export function homeSecretRoutes({ engine, access: { secrets } }: RulesContext): FeatureRoute[] {
  return [
    route({
      method: 'GET',
      path: '/homes/:home/secrets',
      action: 'secrets.manage',
      operationId: 'listHomeSecrets',
      tags,
      summary: 'List the secrets of a home by their names',
      params: HomePath,
      answer: { description: 'All of them.', schema: z.object({ items: z.array(SecretName) }) },
      problems: ['not-found'],
      async handle({ params: { home } }) {
        await mustReadHome(engine, home);
        const items = await secrets.list(home);
        return { items: items.map(({ name, setAt }) => ({ name, setAt: iso(setAt) })) };
      },
    }),

    silentRoute({
      method: 'PUT',
      path: '/homes/:home/secrets/:name',
      action: 'secrets.manage',
      operationId: 'setHomeSecret',
      tags,
      summary: 'Set a secret of a home',
      description:
        'In place of what it was. Headers of a rule’s webhook action name it, as an expression `secrets.name`; it is put in when the request leaves, and stands in no journal.',
      params: SecretPath,
      body: GivenSecret,
      done: 'It counts from the next request on.',
      problems: ['not-found', 'conflict'],
      async handle({ params: { home, name }, body: { value }, principal }) {
        await mustReadHome(engine, home);
        await secrets.set(home, name, value, principal);
      },
    }),

    silentRoute({
      method: 'DELETE',
      path: '/homes/:home/secrets/:name',
      action: 'secrets.manage',
      operationId: 'removeHomeSecret',
      tags,
      summary: 'Remove a secret of a home',
      description: 'What still names it becomes a dead letter.',
      params: SecretPath,
      done: 'It is gone.',
      problems: ['not-found'],
      async handle({ params: { home, name } }) {
        await mustReadHome(engine, home);
        await secrets.remove(home, name);
      },
    }),
  ];
}
