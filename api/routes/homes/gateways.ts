/** Gateways of a home: central units that speak for devices. */

import { z } from 'zod';
import { mustReadDevice, mustReadHome } from '../../../engine/index.ts';
import { iso, Moment, momentIf } from '../../../features/contract/moment.ts';
import { HomePath, OfHomePath } from '../../../features/contract/parameters.ts';
import { type Gateway, nameOf } from '../../../identity/index.ts';
import { always, conflict, empty, json, notFound, refused, withBody } from '../../http/answers.ts';
import type { App, RouteContext } from '../../http/app.ts';
import { DisplayName } from '../../http/naming.ts';

const TAGS = ['Gateways'];

const NewGateway = z
  .strictObject({
    name: DisplayName,
    commands: z
      .enum(['mqtt', 'fetch'])
      .default('mqtt')
      .describe('How commands for its devices reach it: over MQTT, or fetched over HTTP.'),
  })
  .meta({ id: 'NewGateway', examples: [{ name: 'Central unit', commands: 'fetch' }] });
const Assignment = z
  .strictObject({
    devices: z.array(z.string().min(1).max(64)).max(1_000).describe('Ids of twins of the home.'),
  })
  .meta({ id: 'Assignment', examples: [{ devices: ['trv-kitchen', 'trv-bath'] }] });
const GatewayBody = z
  .object({
    id: z.string().describe('Its `deviceId` when it signs in, and its name at the broker.'),
    name: z.string(),
    commands: z.enum(['mqtt', 'fetch']),
    devices: z.array(z.string()).describe('For which it speaks.'),
    createdAt: Moment,
    usedAt: Moment.optional().describe('When it last signed in.'),
  })
  .meta({ id: 'Gateway', description: 'A central unit, without its secret.' });
const MadeGateway = GatewayBody.extend({
  secret: z.string().describe('Shown this once.'),
}).meta({ id: 'MadeGateway', description: 'A gateway and its secret.' });

export function homeGatewayRoutes(app: App, { engine, identity }: RouteContext): void {
  const { gateways } = identity;

  app.get(
    '/homes/:home/gateways',
    {
      config: { action: 'devices.manage' },
      schema: {
        operationId: 'listGateways',
        tags: TAGS,
        summary: 'List the gateways of a home',
        params: HomePath,
        response: {
          200: json('All of them.', z.object({ items: z.array(GatewayBody) })),
          ...notFound,
          ...always,
        },
      },
    },
    async ({ params }) => {
      await mustReadHome(engine, params.home);
      return { items: gateways.list(params.home).map(toGateway) };
    },
  );

  app.post(
    '/homes/:home/gateways',
    {
      config: { action: 'devices.manage' },
      schema: {
        operationId: 'makeGateway',
        tags: TAGS,
        summary: 'Make a gateway',
        description: 'It speaks for no device until some are assigned to it.',
        params: HomePath,
        body: NewGateway,
        response: {
          201: json('The gateway and its secret.', MadeGateway),
          ...notFound,
          ...conflict,
          ...withBody,
          ...always,
        },
      },
    },
    async ({ params, body, principal }, reply) => {
      await mustReadHome(engine, params.home);
      const wanted = { home: params.home, name: body.name, fetches: body.commands === 'fetch' };
      const by = nameOf(principal);
      const { gateway, secret } = await gateways.make(wanted, by);
      return reply.code(201).send({ ...toGateway(gateway), secret });
    },
  );

  app.put(
    '/homes/:home/gateways/:id/devices',
    {
      config: { action: 'devices.manage' },
      schema: {
        operationId: 'assignDevices',
        tags: TAGS,
        summary: 'Say for which devices a gateway speaks',
        description:
          'For these and no others; another gateway that spoke for one of them does so no more.',
        params: OfHomePath,
        body: Assignment,
        response: {
          200: json('The gateway as it is now.', GatewayBody),
          ...notFound,
          ...conflict,
          ...refused,
          ...withBody,
          ...always,
        },
      },
    },
    async ({ params: { home, id }, body, principal }) => {
      gateways.read(home, id);
      const lives = new Map<string, string>();
      for (const twin of body.devices) {
        lives.set(twin, (await mustReadDevice(engine, { home, twin })).row.incarnation);
      }
      return toGateway(await gateways.assign(home, id, body.devices, nameOf(principal), lives));
    },
  );

  app.post(
    '/homes/:home/gateways/:id/secret',
    {
      config: { action: 'devices.manage' },
      schema: {
        operationId: 'renewGatewaySecret',
        tags: TAGS,
        summary: 'Make a new secret for a gateway',
        description: 'In place of the one before, whose sessions and connections end.',
        params: OfHomePath,
        response: {
          201: json('The gateway and its new secret.', MadeGateway),
          ...notFound,
          ...conflict,
          ...withBody,
          ...always,
        },
      },
    },
    async ({ params: { home, id }, principal }, reply) => {
      const secret = await gateways.renew(home, id, nameOf(principal));
      return reply.code(201).send({ ...toGateway(gateways.read(home, id)), secret });
    },
  );

  app.delete(
    '/homes/:home/gateways/:id',
    {
      config: { action: 'devices.manage' },
      schema: {
        operationId: 'removeGateway',
        tags: TAGS,
        summary: 'Remove a gateway',
        description: 'It is cut off at once. The twins of its devices stay.',
        params: OfHomePath,
        response: {
          204: empty('It is gone.'),
          ...notFound,
          ...conflict,
          ...withBody,
          ...always,
        },
      },
    },
    async ({ params: { home, id }, principal }, reply) => {
      await gateways.revoke(home, id, nameOf(principal));
      return reply.code(204).send();
    },
  );
}

function toGateway(gateway: Gateway): z.infer<typeof GatewayBody> {
  const { id, name, fetches, createdAt, usedAt, twins } = gateway;
  return {
    ...{ id, name, commands: fetches ? ('fetch' as const) : ('mqtt' as const) },
    ...{ devices: [...twins].sort(), createdAt: iso(createdAt) },
    ...momentIf('usedAt', usedAt),
  };
}
