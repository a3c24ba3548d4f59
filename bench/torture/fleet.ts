import type { Device, DeviceKind } from './device.ts';
import type { Random } from './random.ts';
import type { World } from './world.ts';

export interface FleetPlan {
  homes: number;
  /** In each home. */
  thermostats?: number;
  relays?: number;
  sensors?: number;
  /** Short deadlines, so that timers fire while things break. Default true. */
  restless?: boolean;
}

/** The devices of some homes, connected, and their twins as their owners have set them up. */
export async function fleetOf(world: World, plan: FleetPlan, random: Random): Promise<Device[]> {
  const devices: Device[] = [];
  for (let n = 0; n < plan.homes; n++) {
    const home = `home${n}`;
    await world.engine.request('POST', '/v1/homes', { id: home, timezone: 'Europe/Berlin' });
    const kinds: [DeviceKind, number][] = [
      ['thermostat', plan.thermostats ?? 0],
      ['relay', plan.relays ?? 0],
      ['sensor', plan.sensors ?? 0],
    ];
    for (const [kind, count] of kinds) {
      for (let m = 0; m < count; m++) {
        const settings = settingsOf(kind, plan.restless ?? true, random);
        devices.push(await addDevice(world, { home, twin: `${kind}${m}`, kind }, settings));
      }
    }
  }
  await Promise.all(devices.map((device) => device.ready()));
  return devices;
}

/** One more, in a home that is there; connects by itself. */
export async function addDevice(
  world: World,
  address: { home: string; twin: string; kind: DeviceKind },
  settings: Record<string, unknown>,
): Promise<Device> {
  const { home, twin, kind } = address;
  await world.engine.request('POST', `/v1/homes/${home}/twins`, { id: twin, kind, settings });
  if (kind === 'thermostat') {
    await world.engine.request('PATCH', `/v1/homes/${home}/twins/${twin}/desired`, {
      targetTemperature: 21,
    });
  }
  return world.connect(address);
}

function settingsOf(kind: DeviceKind, restless: boolean, random: Random): Record<string, unknown> {
  const silence = restless && random.chance(0.3) ? { silenceMs: random.int(1_000, 2_500) } : {};
  switch (kind) {
    case 'thermostat':
      return { regulation: 'engine', ...silence };
    case 'relay':
      return { ...silence, ...(restless && { autoOffMs: random.int(1_000, 3_000) }) };
    case 'sensor':
      return silence;
  }
}
