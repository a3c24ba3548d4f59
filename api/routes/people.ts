/** All accounts, for who runs the platform. */
import { z } from 'zod';
import { Moment, momentIf } from '../../features/contract/moment.ts';
import { listOf } from '../../features/contract/pages.ts';
import { QueryText } from '../../features/contract/parameters.ts';
import type { Listed, Principal } from '../../identity/index.ts';
import { always, conflict, json, notFound, withBody } from '../http/answers.ts';
import type { App, RouteContext } from '../http/app.ts';
import { Profile, toProfile } from '../http/resources/account.ts';
import { Refusal } from '../problem.ts';

const TAGS = ['People'];

const PersonPath = z.object({
  person: z
    .string()
    // Databases refuse control characters
    .regex(/^[^\p{Cc}]{1,64}$/u, 'is not an id')
    .describe('The id of the person.'),
});
const PeopleQuery = z.object({
  limit: z.coerce.number().int().min(1).max(200).default(50).describe('Items on a page.'),
  cursor: QueryText.optional().describe('`nextCursor` of the former page.'),
  email: QueryText.optional().describe('Only who has this address.'),
  emailPrefix: QueryText.optional().describe('Only those whose address begins like this.'),
});
const Account = Profile.extend({
  locked: z.boolean().describe('Whether they cannot sign in.'),
  lockedAt: Moment.optional(),
}).meta({ id: 'Account', description: 'An account, as who runs the platform sees it.' });
const AccountChange = z
  .strictObject({
    locked: z.boolean().optional().describe('True: signs them out at once, and keeps them out.'),
    admin: z.boolean().optional().describe('Whether they run the platform.'),
  })
  .refine((change) => Object.keys(change).length > 0, 'changes nothing')
  .meta({ id: 'AccountChange', minProperties: 1 });

export function peopleRoutes(app: App, { identity }: RouteContext): void {
  const { directory } = identity;

  app.get(
    '/people',
    {
      config: { action: 'people.manage' },
      schema: {
        operationId: 'listPeople',
        tags: TAGS,
        summary: 'List who has an account',
        description: 'Newest first.',
        querystring: PeopleQuery,
        response: { 200: json('A page of accounts.', listOf(Account)), ...always },
      },
    },
    async ({ query: { limit, cursor, ...filter } }) => {
      const after = cursor === undefined ? null : endOf(cursor);
      const items = await directory.list(filter, { limit: limit + 1, after });
      const page = items.slice(0, limit);
      const last = page.at(-1);
      const nextCursor = items.length > limit && last ? `${last.createdAt}.${last.id}` : null;
      return { items: page.map(toAccount), nextCursor };
    },
  );

  app.get(
    '/people/:person',
    {
      config: { action: 'people.manage' },
      schema: {
        operationId: 'readPerson',
        tags: TAGS,
        summary: 'Read an account',
        params: PersonPath,
        response: { 200: json('The account.', Account), ...notFound, ...always },
      },
    },
    async ({ params }) => toAccount(await directory.read(params.person)),
  );

  app.patch(
    '/people/:person',
    {
      config: { action: 'people.manage' },
      schema: {
        operationId: 'changePerson',
        tags: TAGS,
        summary: 'Lock an account, or let somebody run the platform',
        description:
          'At once: who is locked or runs the platform no more is signed out. Nobody does either to themself.',
        params: PersonPath,
        body: AccountChange,
        response: {
          200: json('The account as it is now.', Account),
          ...notFound,
          ...conflict,
          ...withBody,
          ...always,
        },
      },
    },
    async ({ principal, params: { person }, body: { locked, admin } }) => {
      if (isSelf(principal, person) && (locked === true || admin === false)) {
        throw new Refusal('conflict', 'this is your own account', {
          hint: 'Ask somebody else who runs the platform, or use ADMIN_TOKEN.',
        });
      }
      if (admin !== undefined) await directory.promote(person, admin);
      if (locked !== undefined) await directory.lock(person, locked);
      return toAccount(await directory.read(person));
    },
  );
}

function isSelf(principal: Principal | null, person: string): boolean {
  return principal?.type === 'person' && principal.person === person;
}

function endOf(cursor: string): { createdAt: number; id: string } {
  const [, createdAt, id] = /^(\d{1,15})\.(.+)$/.exec(cursor) ?? [];
  if (createdAt !== undefined && id !== undefined) return { createdAt: Number(createdAt), id };
  throw new Refusal('malformed', 'this is no cursor of ours', {
    hint: 'Pass `nextCursor` of the former page, unchanged.',
  });
}

function toAccount({ lockedAt, ...person }: Listed): z.infer<typeof Account> {
  return {
    ...toProfile(person),
    locked: lockedAt !== null,
    ...momentIf('lockedAt', lockedAt),
  };
}
