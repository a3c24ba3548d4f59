import { setTimeout } from 'node:timers/promises';
import type { HomeostatProcess } from '../../api/e2e/homeostat-process.ts';
import { ReleaseStack } from '../../api/release-stack.ts';
import { LoadGenerator } from '../child.ts';
import { type Contestant, homeostat } from '../contestant.ts';
import { gauge } from '../gauge.ts';
import { Inspector } from '../inspector.ts';
import type { FleetShape } from '../load/fleet.ts';
import type { Figure, Measurement, Setting } from '../measurement.ts';
import { populate } from '../population.ts';
import { rssBytes } from '../process-cost.ts';
import { INSPECTED, makeStand, nameOf, type Stand, type Where } from '../stand.ts';
import { summary } from '../statistics.ts';
import { contest, ratio } from './contest.ts';

const MILLION = 1_000_000;
const THOUSAND = 1_000;
const HOMES = 1_000;
const DAY_MS = 86_400_000;
const SPACING = 50;
const ASKED = 2_000;
/** A stride that goes through all twins, far from one to the next. */
const STRIDE = 386_117;
/** What the process does right after its start is over. */
const AT_REST_MS = 3_000;
const HOT = 20_000;
const LOOK_MS = 100;
const ENGINES: readonly Where[] = [
  { store: 'PostgreSQL', broker: 'Mosquitto' },
  { store: 'SQLite', broker: 'Mosquitto' },
];

/** A million registered twins, of which memory holds what it needs. */
export const scale: Measurement = {
  name: 'scale',
  title:
    'Scale: 1,000,000 sensors in 1,000 homes, all online, their silence timers spread over the next day; memory for 50,000 twins',
  async run(setting) {
    const figures: Figure[] = [];
    for (const where of ENGINES) {
      if (nameOf(where).includes(setting.against)) figures.push(...(await ofStore(setting, where)));
    }
    return figures;
  },
};

async function ofStore(setting: Setting, where: Where): Promise<Figure[]> {
  const twins = setting.quick ? 20_000 : MILLION;
  await using stand = await makeStand(setting, where);
  const { engine } = stand;
  setting.progress.say(`${nameOf(where)}: ${twins} twins are put in`);
  await populate(engine, stand.databaseUrl, {
    ...{ twins, homes: HOMES, prefix: 's' },
    settings: { silenceMs: DAY_MS },
    due: { from: Date.now() + DAY_MS / 24, every: DAY_MS / twins },
  });
  return [
    ...(await startOf(setting, stand)),
    ...(await coldLoads(setting, stand, twins)),
    ...(await hotTwin(setting, stand, twins)),
    ...(await throughput(setting, stand, twins)),
  ];
}

async function startOf({ progress }: Setting, { engine, where }: Stand): Promise<Figure[]> {
  const name = nameOf(where);
  progress.say(`${name}: the engine starts`);
  const began = performance.now();
  await engine.start();
  const seconds = (performance.now() - began) / 1_000;
  await setTimeout(AT_REST_MS);
  const megabytes = rssBytes(engine.pid) / 2 ** 20;
  await engine.stop();
  return [
    {
      what: `start with 1,000,000 twins: ${name}`,
      unit: 's',
      value: seconds,
      target: { atMost: 3 },
    },
    {
      what: `RSS after the start: ${name}`,
      unit: 'MB',
      value: megabytes,
      target: { atMost: 250 },
    },
  ];
}

/** What an event costs whose twin is not in memory, asked one after another over HTTP. */
async function coldLoads({ progress }: Setting, stand: Stand, twins: number): Promise<Figure[]> {
  const { engine, where } = stand;
  const name = nameOf(where);
  await engine.start();
  const cold: number[] = [];
  const hot: number[] = [];
  for (let n = 0; n < ASKED; n++) {
    const index = (n * STRIDE) % twins;
    const path = `/v1/homes/s${index % HOMES}/twins/d${index}/events`;
    cold.push(await timed(engine, path));
    hot.push(await timed(engine, path));
  }
  await engine.stop();
  const of = { cold: summary(cold.slice(ASKED / 10)), hot: summary(hot.slice(ASKED / 10)) };
  progress.say(`${name}: cold p50 ${of.cold.p50.toFixed(1)}, hot p50 ${of.hot.p50.toFixed(1)} ms`);
  const what = 'an event over HTTP until its receipt';
  return [
    { what: `${what}, cold twin, p99: ${name}`, unit: 'ms', value: of.cold.p99 },
    { what: `${what}, twin in memory, p99: ${name}`, unit: 'ms', value: of.hot.p99 },
  ];
}

async function timed(engine: HomeostatProcess, path: string): Promise<number> {
  const began = performance.now();
  await engine.request('POST', path, { type: 'telemetry', temperature: 21 });
  return performance.now() - began;
}

/** The heap with many twins in memory, less the heap without. */
async function hotTwin({ progress }: Setting, stand: Stand, twins: number): Promise<Figure[]> {
  const { engine, where } = stand;
  const usual = engine.nodeOptions;
  engine.nodeOptions = INSPECTED;
  await engine.start();
  const kilobytes = (await bytesOfHotTwin(engine, fleetOf(Math.min(HOT, twins)))) / 1_024;
  await engine.stop();
  engine.nodeOptions = usual;
  progress.say(`${nameOf(where)}: ${kilobytes.toFixed(2)} KB a hot twin`);
  return [
    {
      what: `memory of a twin that is hot: ${nameOf(where)}`,
      unit: 'KB',
      value: kilobytes,
      target: { atMost: 3 },
    },
  ];
}

async function bytesOfHotTwin(engine: HomeostatProcess, fleet: FleetShape): Promise<number> {
  // Left before the engine stops: Node waits for its debugger to go
  using inspector = await Inspector.attach(engine.output);
  const before = await inspector.heapBytes();
  await using generator = LoadGenerator.start();
  await generator.order({ type: 'connect', url: engine.mqttUrl, connections: 1, fleet });
  await generator.order({ type: 'introduce', who: 'all' });
  let count = 0;
  while (count < fleet.devices) {
    await setTimeout(LOOK_MS);
    count = await gauge(engine, 'homeostat_hot_twins');
  }
  await setTimeout(AT_REST_MS);
  return ((await inspector.heapBytes()) - before) / count;
}

function fleetOf(devices: number): FleetShape {
  return { devices, homes: HOMES, kind: 'sensor', prefix: 's' };
}

async function throughput(setting: Setting, stand: Stand, twins: number): Promise<Figure[]> {
  const { where } = stand;
  const name = nameOf(where);
  const all = fleetOf(twins);
  const few = fleetOf(THOUSAND);
  await using stack = new ReleaseStack();
  const other = await makeStand(setting, where);
  const contestants: Contestant[] = [
    stack.use(await homeostat(setting, other, few)),
    stack.use(await homeostat(setting, stand, all, 'markers')),
  ];
  const load = { type: 'marked', spacing: SPACING } as const;
  const [thousand, million] = await contest(setting, 'telemetry', load, contestants);
  const perSecond = ({ perSecond: events }: { perSecond: number }) => events;
  return [
    {
      what: `throughput with events for 1,000,000 twins in turn ÷ for 1,000: ${name}`,
      unit: '×',
      ...ratio(million, thousand, perSecond),
      target: { atLeast: 0.6 },
    },
  ];
}
