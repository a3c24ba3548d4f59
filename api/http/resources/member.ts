import { z } from 'zod';
import { iso, Moment, MomentValue, momentIf } from '../../../features/contract/moment.ts';
import {
  type Admission,
  HOME_ROLES,
  type Invitation as InvitationOf,
  type Member as MemberOf,
  type Membership,
} from '../../../identity/index.ts';

const HomeRole = z
  .enum(HOME_ROLES)
  .describe('What they may do is in docs/permissions.md; one of a home is its owner.');
const Twins = z
  .array(z.string().min(1).max(64))
  .max(200)
  .describe('Of a guest: the twins that they may steer.');

export const Member = z
  .object({
    person: z.string(),
    name: z.string(),
    email: z.string(),
    role: HomeRole,
    twins: Twins,
    until: Moment.optional().describe('When it ends by itself.'),
    addedAt: Moment,
  })
  .meta({ id: 'Member', description: 'Somebody who belongs to a home.' });

/** What somebody is to become; owners are made by handing over. */
export const AdmissionBody = z
  .strictObject({
    role: z.enum(HOME_ROLES).exclude(['owner']),
    twins: Twins.default([]),
    until: MomentValue.nullish().describe('When it ends by itself; of guests above all.'),
  })
  .meta({
    id: 'Admission',
    examples: [{ role: 'guest', twins: ['door'], until: 1_767_614_400_000 }],
  });

export const Invitation = z
  .object({
    id: z.string(),
    role: HomeRole,
    twins: Twins,
    until: Moment.optional(),
    email: z
      .string()
      .nullable()
      .describe('For the owner of this address only; null: for who has the code.'),
    createdAt: Moment,
    expiresAt: Moment,
  })
  .meta({ id: 'Invitation', description: 'Lets somebody in who is not there yet.' });

export const OwnMembership = z
  .object({ home: z.string(), role: HomeRole, twins: Twins, until: Moment.optional() })
  .meta({ id: 'Membership', description: 'What one is in a home.' });

export function toAdmission({ role, twins, until }: z.infer<typeof AdmissionBody>): Admission {
  return { role, twins, until: until ?? null };
}

export function toMember(member: MemberOf): z.infer<typeof Member> {
  const { person, name, email, role, twins, until, addedAt } = member;
  return {
    ...{ person, name, email, role, twins },
    ...momentIf('until', until),
    addedAt: iso(addedAt),
  };
}

export function toInvitation(invitation: InvitationOf): z.infer<typeof Invitation> {
  const { id, role, twins, until, email, createdAt, expiresAt } = invitation;
  return {
    ...{ id, role, twins: [...twins], email },
    ...momentIf('until', until),
    createdAt: iso(createdAt),
    expiresAt: iso(expiresAt),
  };
}

export function toOwnMembership(membership: Membership): z.infer<typeof OwnMembership> {
  const { home, role, twins, until } = membership;
  return { home, role, twins, ...momentIf('until', until) };
}
