import { type Engine, EngineError } from '../engine/index.ts';
import { Fleet } from './simulator/fleet.ts';

export const DEMO_HOME = 'demo';
const ROOMS: Record<string, string> = {
  living: 'Living room',
  bedroom: 'Bedroom',
  kitchen: 'Kitchen',
};
const PROGRAMME = [1, 2, 3, 4, 5, 6, 7].flatMap((weekday) => [
  { weekday, time: '06:30', targetTemperature: 21 },
  { weekday, time: '22:00', targetTemperature: 18 },
]);
const BY = { principal: 'demo', source: 'rest' };

/**
 * A home with three rooms, each with a thermostat and a window contact that speak real MQTT to the
 * broker at `url`. What exists from an earlier start is left as it is.
 */
export async function startDemo(engine: Engine, url: string, root: string): Promise<Fleet> {
  await unlessExists(
    engine.createHome({ id: DEMO_HOME, name: 'Demo home', timezone: 'Europe/Berlin' }),
  );
  for (const [room, name] of Object.entries(ROOMS)) {
    await unlessExists(
      engine.createTwin(
        { home: DEMO_HOME, twin: room, kind: 'room', name, settings: { programme: PROGRAMME } },
        BY,
      ),
    );
    const devices = { thermostat: `${name} thermostat`, window: `${name} window` };
    for (const [device, title] of Object.entries(devices)) {
      const kind = device === 'thermostat' ? 'thermostat' : 'sensor';
      const twin = `${room}-${device}`;
      await unlessExists(engine.createTwin({ home: DEMO_HOME, twin, kind, name: title, room }, BY));
    }
  }
  return Fleet.start({
    url,
    root,
    homes: { [DEMO_HOME]: Object.keys(ROOMS) },
    intervalMs: 5_000,
    speed: 10,
    seed: 1,
  });
}

async function unlessExists(creation: Promise<unknown>): Promise<void> {
  try {
    await creation;
  } catch (error) {
    if (!(error instanceof EngineError && error.code === 'conflict')) throw error;
  }
}
