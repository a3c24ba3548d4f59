import type { Device } from './device.ts';
import { addDevice } from './fleet.ts';
import { until, within } from './patience.ts';
import { read } from './reading.ts';
import type { World } from './world.ts';

const MISSED_MS = 15_000;
/** Less than the outbox waits between two tries: who comes back is noticed. */
export const NOTICED_MS = 15_000;

/** Devices that were there once, and are not now. */
export async function sleepers(
  world: World,
  name: string,
  count: number,
  settings: Record<string, unknown> = {},
): Promise<Device[]> {
  const devices: Device[] = [];
  for (let n = 0; n < count; n++) {
    const address = { home: `home${n % 2}`, twin: `${name}${n}`, kind: 'relay' as const };
    const device = await addDevice(world, address, settings);
    await device.ready();
    await device.report({ power: 1 });
    await device.goAway();
    devices.push(device);
  }
  return devices;
}

/** That they say nothing is noticed by their twins' own deadlines: no event leads there. */
export async function allAreMissed(world: World, devices: readonly Device[]): Promise<void> {
  for (const device of devices) {
    await until(MISSED_MS, `${device.home}/${device.twin} is missed`, async () => {
      const { timers } = await read(world, device);
      return !timers.some(({ id }) => id.includes('silence'));
    });
  }
}

/** It reaches the device that has come back. */
export async function arrives({ model }: World, id: string): Promise<void> {
  const arrived = model.until(() => model.commands.has(id));
  await within(NOTICED_MS, `command ${id}`, arrived);
}

/** @returns its id */
export async function command(world: World, { home, twin }: Device, ttl: number): Promise<string> {
  const body = { name: 'switch', args: { on: true }, ttl };
  const path = `/v1/homes/${home}/twins/${twin}/commands`;
  const { id } = await world.engine.request<{ id: string }>('POST', path, body);
  return id;
}
