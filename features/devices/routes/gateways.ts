/** Gateways of a home: central units that speak for devices. */

import { z } from 'zod';
import { mustReadDevice, mustReadHome } from '../../../engine/index.ts';
import type { GatewayAccount } from '../../contract/access.ts';
import { iso, Moment, momentIf } from '../../contract/moment.ts';
import { DisplayName } from '../../contract/naming.ts';
import { HomePath, OfHomePath } from '../../contract/parameters.ts';
import { creatingRoute, type FeatureRoute, route, silentRoute } from '../../contract/route.ts';
import type { DevicesContext } from './devices-context.ts';

const tags = ['Gateways'];

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

export function gatewayRoutes({ engine, access: { gateways } }: DevicesContext): FeatureRoute[] {
  return [
    route({
      method: 'GET',
      path: '/homes/:home/gateways',
      action: 'devices.manage',
      operationId: 'listGateways',
      tags,
      summary: 'List the gateways of a home',
      params: HomePath,
      answer: { description: 'All of them.', schema: z.object({ items: z.array(GatewayBody) }) },
      problems: ['not-found'],
      async handle({ params }) {
        await mustReadHome(engine, params.home);
        return { items: gateways.list(params.home).map(toGateway) };
      },
    }),

    creatingRoute({
      method: 'POST',
      path: '/homes/:home/gateways',
      action: 'devices.manage',
      operationId: 'makeGateway',
      tags,
      summary: 'Make a gateway',
      description: 'It speaks for no device until some are assigned to it.',
      params: HomePath,
      body: NewGateway,
      created: { description: 'The gateway and its secret.', schema: MadeGateway },
      problems: ['not-found', 'conflict'],
      async handle({ params: { home }, body: { name, commands }, principal }) {
        await mustReadHome(engine, home);
        const wanted = { home, name, fetches: commands === 'fetch' };
        const { gateway, secret } = await gateways.make(wanted, principal);
        return { ...toGateway(gateway), secret };
      },
    }),

    route({
      method: 'PUT',
      path: '/homes/:home/gateways/:id/devices',
      action: 'devices.manage',
      operationId: 'assignDevices',
      tags,
      summary: 'Say for which devices a gateway speaks',
      description:
        'For these and no others; another gateway that spoke for one of them does so no more.',
      params: OfHomePath,
      body: Assignment,
      answer: { description: 'The gateway as it is now.', schema: GatewayBody },
      problems: ['not-found', 'conflict', 'refused'],
      async handle({ params: { home, id }, body: { devices }, principal }) {
        gateways.read(home, id);
        const lives = new Map<string, string>();
        for (const twin of devices) {
          lives.set(twin, (await mustReadDevice(engine, { home, twin })).row.incarnation);
        }
        return toGateway(await gateways.assign(home, id, devices, principal, lives));
      },
    }),

    creatingRoute({
      method: 'POST',
      path: '/homes/:home/gateways/:id/secret',
      action: 'devices.manage',
      operationId: 'renewGatewaySecret',
      tags,
      summary: 'Make a new secret for a gateway',
      description: 'In place of the one before, whose sessions and connections end.',
      params: OfHomePath,
      created: { description: 'The gateway and its new secret.', schema: MadeGateway },
      problems: ['not-found', 'conflict'],
      async handle({ params: { home, id }, principal }) {
        const secret = await gateways.renew(home, id, principal);
        return { ...toGateway(gateways.read(home, id)), secret };
      },
    }),

    silentRoute({
      method: 'DELETE',
      path: '/homes/:home/gateways/:id',
      action: 'devices.manage',
      operationId: 'removeGateway',
      tags,
      summary: 'Remove a gateway',
      description: 'It is cut off at once. The twins of its devices stay.',
      params: OfHomePath,
      done: 'It is gone.',
      problems: ['not-found', 'conflict'],
      handle: ({ params: { home, id }, principal }) => gateways.revoke(home, id, principal),
    }),
  ];
}

function toGateway(gateway: GatewayAccount): z.infer<typeof GatewayBody> {
  const { id, name, fetches, createdAt, usedAt, twins } = gateway;
  return {
    ...{ id, name, commands: fetches ? ('fetch' as const) : ('mqtt' as const) },
    ...{ devices: [...twins].sort(), createdAt: iso(createdAt) },
    ...momentIf('usedAt', usedAt),
  };
}
