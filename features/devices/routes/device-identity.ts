import { z } from 'zod';
import type { DeviceAddress } from '../../contract/access.ts';
import type { DevicesContext } from './devices-context.ts';

const Broker = z.object({
  url: z.string().nullable().describe('Null: it has not started yet; ask again.'),
  root: z.string().describe('The first levels of the topics: `{root}/{home}/{kind}/{twin}/…`.'),
});

/** Who a device is, and where it speaks. */
export const DeviceIdentity = z
  .object({
    home: z.string(),
    twin: z.string(),
    username: z.string().describe('Its name at the broker.'),
    broker: Broker,
  })
  .meta({ id: 'DeviceIdentity', description: 'Who a device is, and where it speaks MQTT.' });

export const Secret = z
  .string()
  .describe('Shown this once: the password at the broker, and a bearer token.');
export const NewDevice = DeviceIdentity.extend({ secret: Secret }).meta({
  id: 'NewDevice',
  description: 'A device that may come in from now on.',
});

export function toDeviceIdentity(
  { home, twin }: DeviceAddress,
  { access, broker }: Pick<DevicesContext, 'access' | 'broker'>,
): z.infer<typeof DeviceIdentity> {
  const username = access.devices.usernameOf({ home, twin });
  return { home, twin, username, broker: { url: broker.url(), root: broker.root } };
}
