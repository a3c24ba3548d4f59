import type { Device } from './device.ts';
import { addDevice } from './fleet.ts';
import { until } from './patience.ts';
import { type Reading, read } from './reading.ts';
import type { World } from './world.ts';

const NOTICED_MS = 30_000;
const COUNT = 6;
const HOUR_MS = 3_600_000;
const MONTH_MS = 30 * 24 * HOUR_MS;

/** Relays that switch themselves off after an hour. */
export async function lampsOf(world: World): Promise<Device[]> {
  const lamps: Device[] = [];
  for (let n = 0; n < COUNT; n++) {
    const address = { home: `home${n % 2}`, twin: `lamp${n}`, kind: 'relay' as const };
    lamps.push(await addDevice(world, address, { autoOffMs: HOUR_MS, silenceMs: MONTH_MS }));
  }
  await Promise.all(lamps.map((lamp) => lamp.ready()));
  return lamps;
}

/** They are told to be on, they are, and their hour begins. */
export async function switchOn(world: World, lamps: readonly Device[]): Promise<void> {
  for (const { home, twin } of lamps) {
    await world.engine.request('PATCH', `/v1/homes/${home}/twins/${twin}/desired`, { on: true });
  }
  await allRead(world, lamps, 'lamps are on', ({ timers }) => timers.some(isAutoOff));
}

export async function allGoOff(world: World, lamps: readonly Device[]): Promise<void> {
  await allRead(world, lamps, 'lamps go off', ({ desired }) => desired.on === false);
  await until(NOTICED_MS, 'lamps hear it', async () => lamps.every(({ on }) => !on));
}

/** @throws Error when one has gone off */
export async function assertOn(world: World, lamps: readonly Device[]): Promise<void> {
  for (const lamp of lamps) {
    const { desired } = await read(world, lamp);
    if (desired.on !== true) throw new Error(`${lamp.home}/${lamp.twin} went off early`);
  }
}

async function allRead(
  world: World,
  lamps: readonly Device[],
  what: string,
  isSo: (reading: Reading) => boolean,
): Promise<void> {
  for (const lamp of lamps) {
    await until(NOTICED_MS, `${what} (${lamp.home}/${lamp.twin})`, async () =>
      isSo(await read(world, lamp)),
    );
  }
}

function isAutoOff({ id }: { id: string }): boolean {
  return id.includes('autoOff');
}
