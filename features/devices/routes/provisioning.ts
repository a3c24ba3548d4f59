/** How devices come into a home. */

import { z } from 'zod';
import { mustReadDevice, mustReadHome, mustReadTwin } from '../../../engine/index.ts';
import { ADMISSIONS } from '../../contract/access.ts';
import { iso, Moment } from '../../contract/moment.ts';
import { DisplayName, NewId, RoomId } from '../../contract/naming.ts';
import { HomePath } from '../../contract/parameters.ts';
import { creatingRoute, type FeatureRoute, route, silentRoute } from '../../contract/route.ts';
import { Twin, toTwin } from '../../contract/twin.ts';
import { settle } from '../claims/settle.ts';
import type { DevicesContext } from './devices-context.ts';

const tags = ['Provisioning'];
const MINUTE_MS = 60_000;

const Policy = z
  .object({
    policy: z
      .enum(ADMISSIONS)
      .describe(
        'What happens to devices that the home does not know: made at once, listed to be claimed, or turned away.',
      ),
    isDefault: z.boolean().describe('Whether it is that of the configuration.'),
  })
  .meta({
    id: 'ProvisioningPolicy',
    description: 'How a home treats devices that it does not know.',
  });
const NewPolicy = z.strictObject({ policy: z.enum(ADMISSIONS) }).meta({ id: 'NewPolicy' });
const NewCode = z
  .strictObject({
    minutes: z
      .int()
      .min(1)
      .max(24 * 60)
      .default(15)
      .describe('How long it counts.'),
    room: NewId.nullable().optional().describe('The id of the room where it will be.'),
    twin: z
      .string()
      .min(1)
      .max(64)
      .optional()
      .describe('The twin whose device comes back, after a reset; absent: a new device.'),
  })
  .meta({ id: 'NewClaimCode', examples: [{ minutes: 15, room: 'kitchen' }] });
const MadeCode = z
  .object({
    code: z.string().describe('For the device; once.'),
    url: z.string().describe('The same as a QR code: where the device posts it to.'),
    expiresAt: Moment,
  })
  .meta({ id: 'ClaimCode', description: 'Lets one device in.' });
const BoxClaim = z
  .strictObject({
    code: z.string().min(1).max(64).describe('From the device or its box.'),
    id: NewId.optional().describe('Default: its serial number.'),
    name: DisplayName.optional(),
    room: RoomId.optional(),
  })
  .meta({ id: 'BoxClaim', examples: [{ code: 'K7QM-2XRD-9PWA', name: 'Bath' }] });

export function provisioningRoutes({ engine, access, admission }: DevicesContext): FeatureRoute[] {
  const { policies, claimCodes, devices, factory } = access;
  const policyOf = (home: string) => {
    const own = policies.of(home);
    return { policy: own ?? admission, isDefault: own === null };
  };
  return [
    route({
      method: 'GET',
      path: '/homes/:home/provisioning',
      action: 'devices.manage',
      operationId: 'readProvisioning',
      tags,
      summary: 'Read how a home treats devices that it does not know',
      params: HomePath,
      answer: { description: 'Its way.', schema: Policy },
      problems: ['not-found'],
      async handle({ params: { home } }) {
        await mustReadHome(engine, home);
        return policyOf(home);
      },
    }),

    route({
      method: 'PUT',
      path: '/homes/:home/provisioning',
      action: 'devices.manage',
      operationId: 'setProvisioning',
      tags,
      summary: 'Say how a home treats devices that it does not know',
      params: HomePath,
      body: NewPolicy,
      answer: { description: 'Its way from now on.', schema: Policy },
      problems: ['not-found', 'conflict'],
      async handle({ params: { home }, body: { policy }, principal }) {
        await mustReadHome(engine, home);
        await policies.set(home, policy, principal);
        return policyOf(home);
      },
    }),

    silentRoute({
      method: 'DELETE',
      path: '/homes/:home/provisioning',
      action: 'devices.manage',
      operationId: 'resetProvisioning',
      tags,
      summary: 'Treat unknown devices as the configuration says',
      params: HomePath,
      done: 'So be it.',
      problems: ['not-found', 'conflict'],
      async handle({ params: { home }, principal }) {
        await mustReadHome(engine, home);
        await policies.forget(home, principal);
      },
    }),

    creatingRoute({
      method: 'POST',
      path: '/homes/:home/claim-codes',
      action: 'devices.manage',
      operationId: 'makeClaimCode',
      tags,
      summary: 'Make a code that lets one device in',
      params: HomePath,
      body: NewCode,
      created: { description: 'The code, which is not to be had again.', schema: MadeCode },
      problems: ['not-found', 'conflict', 'refused'],
      async handle({ params: { home }, body, principal, server }) {
        const { minutes, room = null, twin = null } = body;
        await mustReadHome(engine, home);
        const known = twin === null ? null : await mustReadDevice(engine, { home, twin });
        const expiresAt = engine.clock.now() + minutes * MINUTE_MS;
        const life = known ? { incarnation: known.row.incarnation } : {};
        const code = await claimCodes.make({ home, room, twin, expiresAt, ...life }, principal);
        const url = `${server}/v1/devices/claim?code=${code}`;
        return { code, url, expiresAt: iso(expiresAt) };
      },
    }),

    creatingRoute({
      method: 'POST',
      path: '/homes/:home/claims',
      action: 'devices.manage',
      operationId: 'claimDevice',
      tags,
      summary: 'Claim a device with the code on its box',
      description:
        'The device finds its home the next time that it asks. Under the id of a twin of its kind it goes on with that history.',
      idempotent: true,
      params: HomePath,
      body: BoxClaim,
      created: {
        description: 'Its twin.',
        schema: Twin,
        at: ({ home, id }) => `/homes/${home}/twins/${id}`,
      },
      problems: ['unproved', 'not-found', 'conflict', 'refused'],
      async handle({ params: { home }, body, by }) {
        await mustReadHome(engine, home);
        const { serial, kind } = await factory.findByCode(body.code);
        const twin = body.id ?? serial;
        await devices.assertRoom({ home, twin });
        const device = { home, twin, kind, name: body.name, room: body.room };
        const { incarnation } = (await settle(engine, device, by)).row;
        await factory.claim(serial, home, twin, by.principal, incarnation);
        return toTwin(await mustReadTwin(engine, { home, twin }));
      },
    }),
  ];
}
