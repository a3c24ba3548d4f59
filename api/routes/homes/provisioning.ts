/** How devices come into a home. */

import { z } from 'zod';
import { mustReadDevice, mustReadHome, mustReadTwin } from '../../../engine/index.ts';
import { iso, Moment } from '../../../features/contract/moment.ts';
import { HomePath } from '../../../features/contract/parameters.ts';
import { nameOf, POLICIES } from '../../../identity/index.ts';
import {
  always,
  conflict,
  empty,
  etag,
  json,
  location,
  notFound,
  refused,
  withBody,
  wrong,
} from '../../http/answers.ts';
import type { App, RouteContext } from '../../http/app.ts';
import { DisplayName, NewId, RoomId } from '../../http/naming.ts';
import { IdempotencyKey, requesterOf } from '../../http/requester.ts';
import { Twin, toTwin } from '../../http/resources/twin.ts';
import { etagOf } from '../../http/revision.ts';
import { settle } from '../../provisioning/settle.ts';

const TAGS = ['Provisioning'];
const MINUTE_MS = 60_000;

const Policy = z
  .object({
    policy: z
      .enum(POLICIES)
      .describe(
        'What happens to devices that the home does not know: made at once, listed to be claimed, or turned away.',
      ),
    isDefault: z.boolean().describe('Whether it is that of the configuration.'),
  })
  .meta({
    id: 'ProvisioningPolicy',
    description: 'How a home treats devices that it does not know.',
  });
const NewPolicy = z.strictObject({ policy: z.enum(POLICIES) }).meta({ id: 'NewPolicy' });
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

export function provisioningRoutes(app: App, { engine, identity, devices }: RouteContext): void {
  const { policies, claimCodes, factory } = identity;
  const policyOf = (home: string) => {
    const own = policies.of(home);
    return { policy: own ?? devices.provisioning, isDefault: own === null };
  };

  app.get(
    '/homes/:home/provisioning',
    {
      config: { action: 'devices.manage' },
      schema: {
        operationId: 'readProvisioning',
        tags: TAGS,
        summary: 'Read how a home treats devices that it does not know',
        params: HomePath,
        response: { 200: json('Its way.', Policy), ...notFound, ...always },
      },
    },
    async ({ params }) => {
      await mustReadHome(engine, params.home);
      return policyOf(params.home);
    },
  );

  app.put(
    '/homes/:home/provisioning',
    {
      config: { action: 'devices.manage' },
      schema: {
        operationId: 'setProvisioning',
        tags: TAGS,
        summary: 'Say how a home treats devices that it does not know',
        params: HomePath,
        body: NewPolicy,
        response: {
          200: json('Its way from now on.', Policy),
          ...notFound,
          ...conflict,
          ...withBody,
          ...always,
        },
      },
    },
    async ({ params, body, principal }) => {
      await mustReadHome(engine, params.home);
      await policies.set(params.home, body.policy, nameOf(principal));
      return policyOf(params.home);
    },
  );

  app.delete(
    '/homes/:home/provisioning',
    {
      config: { action: 'devices.manage' },
      schema: {
        operationId: 'resetProvisioning',
        tags: TAGS,
        summary: 'Treat unknown devices as the configuration says',
        params: HomePath,
        response: {
          204: empty('So be it.'),
          ...notFound,
          ...conflict,
          ...withBody,
          ...always,
        },
      },
    },
    async ({ params, principal }, reply) => {
      await mustReadHome(engine, params.home);
      await policies.forget(params.home, nameOf(principal));
      return reply.code(204).send();
    },
  );

  app.post(
    '/homes/:home/claim-codes',
    {
      config: { action: 'devices.manage' },
      schema: {
        operationId: 'makeClaimCode',
        tags: TAGS,
        summary: 'Make a code that lets one device in',
        params: HomePath,
        body: NewCode,
        response: {
          201: json('The code, which is not to be had again.', MadeCode),
          ...notFound,
          ...conflict,
          ...refused,
          ...withBody,
          ...always,
        },
      },
    },
    async (request, reply) => {
      const { params, body, principal } = request;
      const { home } = params;
      const { minutes, room = null, twin = null } = body;
      await mustReadHome(engine, home);
      const known = twin === null ? null : await mustReadDevice(engine, { home, twin });
      const expiresAt = engine.clock.now() + minutes * MINUTE_MS;
      const by = nameOf(principal);
      const life = known ? { incarnation: known.row.incarnation } : {};
      const code = await claimCodes.make({ home, room, twin, expiresAt, ...life }, by);
      const server = devices.publicUrl ?? `${request.protocol}://${request.host}`;
      const url = `${server}/v1/devices/claim?code=${code}`;
      return reply.code(201).send({ code, url, expiresAt: iso(expiresAt) });
    },
  );

  app.post(
    '/homes/:home/claims',
    {
      config: { action: 'devices.manage' },
      schema: {
        operationId: 'claimDevice',
        tags: TAGS,
        summary: 'Claim a device with the code on its box',
        description:
          'The device finds its home the next time that it asks. Under the id of a twin of its kind it goes on with that history.',
        params: HomePath,
        headers: IdempotencyKey,
        body: BoxClaim,
        response: {
          201: json('Its twin.', Twin, { ...etag, ...location }),
          ...wrong,
          ...notFound,
          ...conflict,
          ...refused,
          ...withBody,
          ...always,
        },
      },
    },
    async ({ params: { home }, body, headers, principal }, reply) => {
      await mustReadHome(engine, home);
      const { serial, kind } = await factory.findByCode(body.code);
      const twin = body.id ?? serial;
      const by = requesterOf(principal, headers);
      await identity.devices.assertRoom({ home, twin });
      const device = { home, twin, kind, name: body.name, room: body.room };
      const { incarnation } = (await settle(engine, device, by)).row;
      await factory.claim(serial, home, twin, by.principal, incarnation);
      const made = await mustReadTwin(engine, { home, twin });
      return reply
        .code(201)
        .header('location', `/v1/homes/${home}/twins/${twin}`)
        .header('etag', etagOf(made.row.revision))
        .send(toTwin(made));
    },
  );
}
