/** How people come into a home. */

import { z } from 'zod';
import { mustReadHome } from '../../../engine/index.ts';
import { HomePath, OfHomePath } from '../../../features/contract/parameters.ts';
import { nameOf } from '../../../identity/index.ts';
import { always, conflict, empty, json, notFound, withBody } from '../../http/answers.ts';
import type { App, RouteContext } from '../../http/app.ts';
import { Code, Email } from '../../http/resources/account.ts';
import {
  AdmissionBody,
  Invitation,
  OwnMembership,
  toAdmission,
  toInvitation,
  toOwnMembership,
} from '../../http/resources/member.ts';
import { personOf } from '../account/profile.ts';

const TAGS = ['People'];

const NewInvitation = AdmissionBody.extend({
  email: Email.optional().describe('Sends a letter; only the owner of the address can take it.'),
}).meta({ id: 'NewInvitation' });
const Invited = Invitation.extend({
  code: z.string().describe('Shown this once.'),
}).meta({ id: 'Invited', description: 'An invitation with its code.' });
const Acceptance = z.strictObject({ code: Code }).meta({ id: 'InvitationCode' });

export function invitationRoutes(app: App, { engine, identity }: RouteContext): void {
  const { invitations, letterLimits, people } = identity;

  app.post(
    '/homes/:home/invitations',
    {
      config: { action: 'members.manage' },
      schema: {
        operationId: 'invite',
        tags: TAGS,
        summary: 'Invite somebody',
        description:
          'By letter, or by a code that you give them. It is good for a week, once, while you may invite. Letters are few a day: to one address, by one person, for one home.',
        params: HomePath,
        body: NewInvitation,
        response: {
          201: json('The invitation.', Invited),
          ...notFound,
          ...conflict,
          ...withBody,
          ...always,
        },
      },
    },
    async ({ params, body, principal }, reply) => {
      const { id: home, name } = await mustReadHome(engine, params.home);
      const by = nameOf(principal);
      const { email = null, ...admission } = body;
      if (email !== null) await letterLimits.assertMayInvite({ email, by, home });
      const { invitation, code } = await invitations.make(home, toAdmission(admission), {
        email,
        by,
      });
      if (email !== null) {
        const inviter = principal?.type === 'person' ? await people.read(principal.person) : null;
        identity.sendInvitation(email, {
          code,
          home: name,
          by: inviter?.name ?? 'Homeostat',
          language: inviter?.language ?? 'en',
        });
      }
      return reply.code(201).send({ ...toInvitation(invitation), code });
    },
  );

  app.get(
    '/homes/:home/invitations',
    {
      config: { action: 'members.manage' },
      schema: {
        operationId: 'listInvitations',
        tags: TAGS,
        summary: 'List the invitations that wait',
        params: HomePath,
        response: {
          200: json('All of them.', z.object({ items: z.array(Invitation) })),
          ...notFound,
          ...always,
        },
      },
    },
    async ({ params }) => {
      await mustReadHome(engine, params.home);
      return { items: (await invitations.list(params.home)).map(toInvitation) };
    },
  );

  app.delete(
    '/homes/:home/invitations/:id',
    {
      config: { action: 'members.manage' },
      schema: {
        operationId: 'withdrawInvitation',
        tags: TAGS,
        summary: 'Withdraw an invitation',
        params: OfHomePath,
        response: { 204: empty('It is void.'), ...notFound, ...withBody, ...always },
      },
    },
    async ({ params: { home, id } }, reply) => {
      await invitations.withdraw(home, id);
      return reply.code(204).send();
    },
  );

  app.post(
    '/invitations/accept',
    {
      config: { action: 'invitation.accept' },
      schema: {
        operationId: 'acceptInvitation',
        tags: TAGS,
        summary: 'Take an invitation',
        body: Acceptance,
        response: {
          200: json('What you are there now.', OwnMembership),
          ...conflict,
          ...withBody,
          ...always,
        },
      },
    },
    async ({ body, principal }) => {
      const { person } = personOf(principal);
      return toOwnMembership(await invitations.accept(body.code, person));
    },
  );
}
