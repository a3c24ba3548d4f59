/** Who belongs to a home. */

import { z } from 'zod';
import { mustReadHome } from '../../../engine/index.ts';
import { HomePath } from '../../../features/contract/parameters.ts';
import { nameOf } from '../../../identity/index.ts';
import { always, conflict, empty, json, notFound, withBody } from '../../http/answers.ts';
import type { App, RouteContext } from '../../http/app.ts';
import { AdmissionBody, Member, toAdmission, toMember } from '../../http/resources/member.ts';
import { Refusal } from '../../problem.ts';

const TAGS = ['People'];

const PersonId = z.string().min(1).max(64);
const MemberPath = HomePath.extend({ person: PersonId });
const NewOwner = z.strictObject({ person: PersonId }).meta({ id: 'NewOwner' });

export function memberRoutes(app: App, { engine, identity }: RouteContext): void {
  const { memberships, people } = identity;
  const mustFind = async (home: string, person: string) => {
    const member = (await memberships.membersOf(home)).find((one) => one.person === person);
    if (member) return toMember(member);
    throw new Refusal('not-found', 'there is no such member of this home');
  };

  app.get(
    '/homes/:home/members',
    {
      config: { action: 'members.read' },
      schema: {
        operationId: 'listMembers',
        tags: TAGS,
        summary: 'List who belongs to a home',
        params: HomePath,
        response: {
          200: json('All of them.', z.object({ items: z.array(Member) })),
          ...notFound,
          ...always,
        },
      },
    },
    async ({ params }) => {
      await mustReadHome(engine, params.home);
      return { items: (await memberships.membersOf(params.home)).map(toMember) };
    },
  );

  app.patch(
    '/homes/:home/members/:person',
    {
      config: { action: 'members.manage' },
      schema: {
        operationId: 'changeMember',
        tags: TAGS,
        summary: 'Change what a member is',
        description: 'At once, for their open streams too. The owner stays what they are.',
        params: MemberPath,
        body: AdmissionBody,
        response: {
          200: json('The member as they are now.', Member),
          ...notFound,
          ...conflict,
          ...withBody,
          ...always,
        },
      },
    },
    async ({ params: { home, person }, body, principal }) => {
      await memberships.change(home, person, toAdmission(body), nameOf(principal));
      return await mustFind(home, person);
    },
  );

  app.delete(
    '/homes/:home/members/:person',
    {
      config: { action: 'members.manage' },
      schema: {
        operationId: 'removeMember',
        tags: TAGS,
        summary: 'Remove a member',
        description: 'Their open streams of this home end within a second.',
        params: MemberPath,
        response: {
          204: empty('They belong to it no more.'),
          ...notFound,
          ...conflict,
          ...withBody,
          ...always,
        },
      },
    },
    async ({ params: { home, person }, principal }, reply) => {
      await memberships.remove(home, person, nameOf(principal));
      return reply.code(204).send();
    },
  );

  app.post(
    '/homes/:home/leave',
    {
      config: { action: 'home.leave' },
      schema: {
        operationId: 'leaveHome',
        tags: TAGS,
        summary: 'Leave a home',
        params: HomePath,
        response: {
          204: empty('You belong to it no more.'),
          ...notFound,
          ...conflict,
          ...withBody,
          ...always,
        },
      },
    },
    async ({ params, principal }, reply) => {
      if (principal?.type !== 'person') throw new Refusal('forbidden', 'only people leave homes');
      await memberships.remove(params.home, principal.person, nameOf(principal));
      return reply.code(204).send();
    },
  );

  app.put(
    '/homes/:home/owner',
    {
      config: { action: 'owner.change', proof: true },
      schema: {
        operationId: 'changeOwner',
        tags: TAGS,
        summary: 'Hand a home over',
        description:
          'To one of its members; the owner becomes an admin. The platform also gives an owner to a home that has none, such as one that its devices have made.',
        params: HomePath,
        body: NewOwner,
        response: {
          200: json('The new owner.', Member),
          ...notFound,
          ...conflict,
          ...withBody,
          ...always,
        },
      },
    },
    async ({ params: { home }, body: { person }, principal }) => {
      await mustReadHome(engine, home);
      await people.read(person);
      const members = await memberships.membersOf(home);
      const by = nameOf(principal);
      if (members.some(({ role }) => role === 'owner'))
        await memberships.transfer(home, person, by);
      else await memberships.found(home, person);
      return await mustFind(home, person);
    },
  );
}
