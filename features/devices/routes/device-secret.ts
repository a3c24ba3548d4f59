/** The secret with which a device comes in. */
import { assertAddress, mustReadDevice } from '../../../engine/index.ts';
import { TwinPath } from '../../contract/parameters.ts';
import { creatingRoute, type FeatureRoute, silentRoute } from '../../contract/route.ts';
import { NewDevice, toDeviceIdentity } from './device-identity.ts';
import type { DevicesContext } from './devices-context.ts';

const tags = ['Provisioning'];

export function deviceSecretRoutes(context: DevicesContext): FeatureRoute[] {
  const { engine, access } = context;
  return [
    creatingRoute({
      method: 'POST',
      path: '/homes/:home/twins/:twin/secret',
      action: 'devices.manage',
      operationId: 'makeDeviceSecret',
      tags,
      summary: 'Make the secret of a twin’s device',
      description:
        'In place of the one before, which ends wherever it counted: whatever is connected with that is cut off, and the device’s secret from the factory and claim codes for the twin count no more.',
      params: TwinPath,
      created: {
        description: 'The secret, which is not to be had again.',
        schema: NewDevice,
      },
      problems: ['not-found', 'conflict', 'refused'],
      async handle({ params: { home, twin }, principal }) {
        const { row } = await mustReadDevice(engine, { home, twin });
        const secret = await access.devices.make(home, twin, principal, row.incarnation);
        return { ...toDeviceIdentity({ home, twin }, context), secret };
      },
    }),

    silentRoute({
      method: 'DELETE',
      path: '/homes/:home/twins/:twin/secret',
      action: 'devices.manage',
      operationId: 'revokeDeviceSecret',
      tags,
      summary: 'Revoke the secret of a twin’s device',
      description:
        'It is cut off from the broker at once and cannot come back. Its secret from the factory never counts again, whoever claims it: let it in with a claim code, or enrol it once more.',
      params: TwinPath,
      done: 'It is void.',
      problems: ['not-found', 'conflict'],
      async handle({ params: { home, twin } }) {
        assertAddress({ home, twin });
        await access.devices.revoke(home, twin);
      },
    }),
  ];
}
