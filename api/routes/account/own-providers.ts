/** The providers at which one signs in. */
import { z } from 'zod';
import { always, conflict, empty, json, notFound, refused, withBody } from '../../http/answers.ts';
import type { App, RouteContext } from '../../http/app.ts';
import {
  Beginning,
  Begun,
  Linked,
  Proof,
  ProviderPath,
  toLinked,
} from '../../http/resources/provider.ts';
import { personOf } from './profile.ts';

const TAGS = ['Account'];

const Link = Proof.meta({ id: 'ProviderLink' });
const AllLinked = z.object({ items: z.array(Linked) });

export function ownProviderRoutes(app: App, { identity }: RouteContext): void {
  const { providers } = identity;

  app.get(
    '/me/providers',
    {
      config: { action: 'account.manage' },
      schema: {
        operationId: 'listOwnProviders',
        tags: TAGS,
        summary: 'List with whom else one signs in',
        response: { 200: json('All of them.', AllLinked), ...always },
      },
    },
    async ({ principal }) => ({
      items: (await providers.linkedTo(personOf(principal).person)).map(toLinked),
    }),
  );

  app.post(
    '/me/providers/:provider/start',
    {
      config: { action: 'account.manage', proof: true },
      schema: {
        operationId: 'startProviderLink',
        tags: TAGS,
        summary: 'Begin to link another way to sign in',
        description: 'As one begins to sign in with it.',
        params: ProviderPath,
        body: Beginning,
        response: {
          200: json('Where the browser goes.', Begun),
          ...notFound,
          ...refused,
          ...withBody,
          ...always,
        },
      },
    },
    async ({ principal, params, body }) => ({
      url: await providers.begin(params.provider, body, personOf(principal).person),
    }),
  );

  app.post(
    '/me/providers/:provider/finish',
    {
      config: { action: 'account.manage', proof: true },
      schema: {
        operationId: 'finishProviderLink',
        tags: TAGS,
        summary: 'Link it, with what the browser brought back',
        description: 'By the person who began it, within a minute, once. A letter tells of it.',
        params: ProviderPath,
        body: Link,
        response: {
          200: json('All ways that there are now.', AllLinked),
          ...notFound,
          ...conflict,
          ...withBody,
          ...always,
        },
      },
    },
    async ({ principal, params, body }) => {
      const { person } = personOf(principal);
      return { items: (await providers.link(params.provider, body, person)).map(toLinked) };
    },
  );

  app.delete(
    '/me/providers/:provider',
    {
      config: { action: 'account.manage' },
      schema: {
        operationId: 'unlinkProvider',
        tags: TAGS,
        summary: 'Sign in with it no more',
        description: 'The last way in cannot be removed: set a password before.',
        params: ProviderPath,
        response: {
          204: empty('It is removed.'),
          ...notFound,
          ...conflict,
          ...withBody,
          ...always,
        },
      },
    },
    async ({ principal, params }, reply) => {
      await providers.unlink(params.provider, personOf(principal).person);
      return reply.code(204).send();
    },
  );
}
