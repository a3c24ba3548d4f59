import { join } from 'node:path';
import { Mosquitto } from '../adapters/mqtt/testing/mosquitto.ts';
import type { HomeostatProcess } from '../api/e2e/homeostat-process.ts';
import { ReleaseStack } from '../api/release-stack.ts';
import { atOnce } from './at-once.ts';
import { EchoClient, LoadGenerator } from './child.ts';
import { Inspector } from './inspector.ts';
import { type FleetShape, homeOf, thermostatsOf, twinOf } from './load/fleet.ts';
import type { Load, Result } from './load/protocol.ts';
import type { Setting } from './measurement.ts';
import { cpuSeconds } from './process-cost.ts';
import { nameOf, type Stand } from './stand.ts';

const CONNECTIONS = 4;
const SETUP_AT_ONCE = 32;

/** What answers the fleet: an engine or the echo client, with a broker and a load generator of its own. */
export interface Contestant extends AsyncDisposable {
  name: string;
  /** Null for the echo client. */
  engine: HomeostatProcess | null;
  run(load: Load, seconds: number, warmUpSeconds: number): Promise<Measured>;
}

/** Who spent how much processor time on an event, µs; all of a run, its warm-up too. */
export type Cpu = Record<'answering' | 'database' | 'broker' | 'generator', number>;
export type Measured = Result & { cpu: Cpu };

export async function echo(fleet: FleetShape): Promise<Contestant> {
  const stack = new ReleaseStack();
  const broker = stack.use(await Mosquitto.start());
  const client = stack.use(await EchoClient.start(broker.url));
  const generator = stack.use(await generatorFor(broker.url, fleet, 'all'));
  const pids = {
    answering: client.pid,
    database: undefined,
    broker: broker.pid,
    generator: generator.pid,
  };
  return {
    name: 'echo client',
    engine: null,
    run: (load, seconds, warmUpSeconds) =>
      withCpu(pids, () => generator.run({ load, seconds, warmUpSeconds })),
    [Symbol.asyncDispose]: () => stack[Symbol.asyncDispose](),
  };
}

/**
 * Starts an engine on its stand and brings its fleet up.
 * @param introduce `markers`: the twins of the others are there already
 */
export async function homeostat(
  setting: Setting,
  stand: Stand,
  fleet: FleetShape,
  introduce: 'all' | 'markers' = 'all',
): Promise<Contestant> {
  const { engine, where, broker } = stand;
  const stack = new ReleaseStack();
  stack.use(stand);
  await engine.start();
  const generator = stack.use(await generatorFor(engine.mqttUrl, fleet, introduce));
  await regulate(engine, fleet);
  const name = nameOf(where);
  let runs = 0;
  return {
    name,
    engine,
    async run(load, seconds, warmUpSeconds) {
      const pids = {
        answering: engine.pid,
        database: where.store === 'PostgreSQL' ? setting.databases.pid : undefined,
        broker: broker?.pid,
        generator: generator.pid,
      };
      const go = () => withCpu(pids, () => generator.run({ load, seconds, warmUpSeconds }));
      if (setting.profiles === null) return go();
      using inspector = await Inspector.attach(engine.output);
      await inspector.startProfile();
      const result = await go();
      const file = `${name.replaceAll(/\W+/g, '-')}-${load.type}-${++runs}.cpuprofile`;
      await inspector.stopProfile(join(setting.profiles, file));
      return result;
    },
    [Symbol.asyncDispose]: () => stack[Symbol.asyncDispose](),
  };
}

async function withCpu(
  pids: Record<keyof Cpu, number | undefined>,
  run: () => Promise<Result>,
): Promise<Measured> {
  const spent = () =>
    Object.fromEntries(Object.entries(pids).map(([who, pid]) => [who, cpuSeconds(pid)])) as Cpu;
  const before = spent();
  const result = await run();
  const after = spent();
  const events = Math.max(1, result.answeredInAll);
  const cpu = Object.fromEntries(
    Object.entries(after).map(([who, seconds]) => [
      who,
      ((seconds - before[who as keyof Cpu]) * 1e6) / events,
    ]),
  ) as Cpu;
  return { ...result, cpu };
}

async function generatorFor(
  url: string,
  fleet: FleetShape,
  introduce: 'all' | 'markers',
): Promise<LoadGenerator> {
  const generator = LoadGenerator.start();
  await generator.order({ type: 'connect', url, connections: CONNECTIONS, fleet });
  await generator.order({ type: 'introduce', who: introduce });
  return generator;
}

/** Lets the engine regulate each thermostat around 21 °C. */
async function regulate(engine: HomeostatProcess, fleet: FleetShape): Promise<void> {
  const thermostats = thermostatsOf(fleet);
  await atOnce(SETUP_AT_ONCE, thermostats.devices, async (index) => {
    const home = homeOf(thermostats, index % thermostats.homes);
    const path = `/v1/homes/${home}/twins/${twinOf(index)}`;
    await engine.until(path, () => true);
    await engine.request('PATCH', path, { settings: { regulation: 'engine' } });
    await engine.request('PATCH', `${path}/desired`, { targetTemperature: 21 });
  });
}
