/** The secret with which a device comes in. */
import { assertAddress, mustReadDevice } from '../../../../engine/index.ts';
import { TwinPath } from '../../../../features/contract/parameters.ts';
import { nameOf } from '../../../../identity/index.ts';
import {
  always,
  conflict,
  empty,
  json,
  notFound,
  refused,
  withBody,
} from '../../../http/answers.ts';
import type { App, RouteContext } from '../../../http/app.ts';
import { NewDevice, toDeviceIdentity } from '../../../http/resources/device.ts';

const TAGS = ['Provisioning'];

export function secretRoutes(app: App, { engine, identity, devices }: RouteContext): void {
  app.post(
    '/homes/:home/twins/:twin/secret',
    {
      config: { action: 'devices.manage' },
      schema: {
        operationId: 'makeDeviceSecret',
        tags: TAGS,
        summary: 'Make the secret of a twin’s device',
        description:
          'In place of the one before, which ends wherever it counted: whatever is connected with that is cut off, and the device’s secret from the factory and claim codes for the twin count no more.',
        params: TwinPath,
        response: {
          201: json('The secret, which is not to be had again.', NewDevice),
          ...notFound,
          ...conflict,
          ...refused,
          ...withBody,
          ...always,
        },
      },
    },
    async ({ params: { home, twin }, principal }, reply) => {
      const { row } = await mustReadDevice(engine, { home, twin });
      const by = nameOf(principal);
      const secret = await identity.devices.make(home, twin, by, row.incarnation);
      return reply.code(201).send({ ...toDeviceIdentity({ home, twin }, devices), secret });
    },
  );

  app.delete(
    '/homes/:home/twins/:twin/secret',
    {
      config: { action: 'devices.manage' },
      schema: {
        operationId: 'revokeDeviceSecret',
        tags: TAGS,
        summary: 'Revoke the secret of a twin’s device',
        description:
          'It is cut off from the broker at once and cannot come back. Its secret from the factory never counts again, whoever claims it: let it in with a claim code, or enrol it once more.',
        params: TwinPath,
        response: {
          204: empty('It is void.'),
          ...notFound,
          ...conflict,
          ...withBody,
          ...always,
        },
      },
    },
    async ({ params: { home, twin } }, reply) => {
      assertAddress({ home, twin });
      await identity.devices.revoke(home, twin);
      return reply.code(204).send();
    },
  );
}
