/** What is one's own: profile, password, sessions. */
import { z } from 'zod';
import { iso, Moment } from '../../../features/contract/moment.ts';
import { DisplayName } from '../../../features/contract/naming.ts';
import { IdPath } from '../../../features/contract/parameters.ts';
import type { Principal } from '../../../identity/index.ts';
import { always, conflict, empty, json, notFound, refused, withBody } from '../../http/answers.ts';
import type { App, RouteContext } from '../../http/app.ts';
import { Language, Password, Profile, toProfile } from '../../http/resources/account.ts';
import { Refusal } from '../../problem.ts';

const TAGS = ['Account'];

const ProfileChange = z
  .strictObject({ name: DisplayName.optional(), language: Language.optional() })
  .refine((change) => Object.keys(change).length > 0, 'changes nothing')
  .meta({ id: 'ProfileChange', minProperties: 1 });
const PasswordChange = z
  .strictObject({ current: Password, next: Password })
  .meta({ id: 'PasswordChange' });
const Session = z
  .object({
    id: z.string(),
    deviceName: z.string().nullable(),
    address: z.string().nullable().describe('From where it was used last.'),
    createdAt: Moment,
    usedAt: Moment,
    expiresAt: Moment.describe('Each use puts it off.'),
    current: z.boolean().describe('The one that asks.'),
  })
  .meta({ id: 'Session', description: 'Somebody’s app that is signed in.' });

export function profileRoutes(app: App, { identity }: RouteContext): void {
  const { people, sessions } = identity;

  app.get(
    '/me',
    {
      config: { action: 'account.manage' },
      schema: {
        operationId: 'readMe',
        tags: TAGS,
        summary: 'Read one’s own account',
        response: { 200: json('The account.', Profile), ...always },
      },
    },
    async ({ principal }) => toProfile(await people.read(personOf(principal).person)),
  );

  app.patch(
    '/me',
    {
      config: { action: 'account.manage' },
      schema: {
        operationId: 'changeMe',
        tags: TAGS,
        summary: 'Change one’s name or language',
        body: ProfileChange,
        response: { 200: json('The account as it is now.', Profile), ...withBody, ...always },
      },
    },
    async ({ principal, body: { name, language } }) => {
      const change = { ...(name !== undefined && { name }), ...(language && { language }) };
      return toProfile(await people.change(personOf(principal).person, change));
    },
  );

  app.delete(
    '/me',
    {
      config: { action: 'account.manage', proof: true },
      schema: {
        operationId: 'deleteMe',
        tags: TAGS,
        summary: 'Delete one’s own account',
        description:
          'Homes that one owns must be handed over or deleted before. Keys and invitations that one has made end.',
        response: { 204: empty('It is gone.'), ...conflict, ...withBody, ...always },
      },
    },
    async ({ principal }, reply) => {
      await people.remove(personOf(principal).person);
      return reply.code(204).send();
    },
  );

  app.put(
    '/me/password',
    {
      config: { action: 'account.manage' },
      schema: {
        operationId: 'changePassword',
        tags: TAGS,
        summary: 'Change one’s password',
        description: 'All other sessions end.',
        body: PasswordChange,
        response: {
          204: empty('It is changed.'),
          ...refused,
          ...withBody,
          ...always,
        },
      },
    },
    async ({ principal, body }, reply) => {
      const { person, session } = personOf(principal);
      await people.changePassword(person, body, session);
      return reply.code(204).send();
    },
  );

  app.get(
    '/me/sessions',
    {
      config: { action: 'account.manage' },
      schema: {
        operationId: 'listSessions',
        tags: TAGS,
        summary: 'List the apps that are signed in',
        response: { 200: json('All of them.', z.object({ items: z.array(Session) })), ...always },
      },
    },
    async ({ principal }) => {
      const { person, session } = personOf(principal);
      const rows = await sessions.listOf(person);
      return {
        items: rows.map(({ id, deviceName, address, createdAt, usedAt, expiresAt }) => ({
          ...{ id, deviceName, address, createdAt: iso(createdAt), usedAt: iso(usedAt) },
          expiresAt: iso(expiresAt),
          current: id === session,
        })),
      };
    },
  );

  app.delete(
    '/me/sessions/:id',
    {
      config: { action: 'account.manage' },
      schema: {
        operationId: 'endSession',
        tags: TAGS,
        summary: 'Sign an app out',
        description: 'At once: its open streams end, and its access token counts no more.',
        params: IdPath,
        response: { 204: empty('It is signed out.'), ...notFound, ...withBody, ...always },
      },
    },
    async ({ principal, params: { id } }, reply) => {
      const own = await sessions.listOf(personOf(principal).person);
      if (!own.some((session) => session.id === id)) {
        throw new Refusal('not-found', 'you have no such session');
      }
      await sessions.end(id, 'signed out');
      return reply.code(204).send();
    },
  );

  app.post(
    '/auth/logout',
    {
      config: { action: 'account.manage' },
      schema: {
        operationId: 'logout',
        tags: TAGS,
        summary: 'Sign out',
        response: { 204: empty('Signed out.'), ...withBody, ...always },
      },
    },
    async ({ principal }, reply) => {
      await sessions.end(personOf(principal).session, 'signed out');
      return reply.code(204).send();
    },
  );
}

/** The table lets nobody else in here. */
export function personOf(principal: Principal | null): Principal & { type: 'person' } {
  if (principal?.type === 'person') return principal;
  throw new Refusal('forbidden', 'this is for people who have signed in');
}
