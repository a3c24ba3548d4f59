/** `npm run soak`: half of what the engine can carry, for two hours, on a PostgreSQL as it comes and Mosquitto. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { Command } from 'commander';
import { mosquittoMissing } from '../adapters/mqtt/testing/mosquitto.ts';
import { PACKAGE_ROOT } from '../engine/testing/package-root.ts';
import { homeostat, type Measured } from './contestant.ts';
import { Databases, DURABLE } from './databases.ts';
import { gauge } from './gauge.ts';
import type { FleetShape } from './load/fleet.ts';
import { rssBytes } from './process-cost.ts';
import { Progress } from './progress.ts';
import { machine } from './report.ts';
import { drift, type Moment, plot } from './soak-plot.ts';
import { makeStand } from './stand.ts';
import { median } from './statistics.ts';

const FLEET: FleetShape = { devices: 2_000, homes: 100, kind: 'thermostat', prefix: 'r' };
const SLICE_SECONDS = 10;
/** Runs at saturation before it, of which the median is halved. */
const PROBES = 3;
/** Slices after which what there is is written. */
const SLICES_KEPT = 30;

const { minutes, rate } = new Command('soak')
  .option('--minutes <n>', 'how long', Number, 120)
  .option('--rate <n>', 'events per second; absent: half of what it carries', Number)
  .parse()
  .opts<{ minutes: number; rate?: number }>();

async function main(): Promise<void> {
  if (mosquittoMissing !== null) throw new Error(mosquittoMissing);
  const progress = new Progress();
  // Its own defaults but for durability: what an autovacuum of nobody's tuning makes of it
  await using databases = await Databases.start(DURABLE);
  const setting = {
    databases,
    progress,
    rounds: 1,
    quick: false,
    profiles: null,
    former: null,
    against: '',
  };
  const stand = await makeStand(setting, { store: 'PostgreSQL', broker: 'Mosquitto' });
  await using contestant = await homeostat(setting, stand, FLEET);
  const saturated: number[] = [];
  for (let probe = 0; probe < PROBES; probe++) {
    progress.say(`how much it carries: probe ${probe + 1} of ${PROBES}`);
    const { perSecond } = await contestant.run({ type: 'answered' }, SLICE_SECONDS, 3);
    saturated.push(perSecond);
  }
  const perSecond = rate ?? Math.round(median(saturated) / 2);
  const moments: Moment[] = [];
  const write = () => record(minutes, perSecond, saturated, moments);
  const began = performance.now();
  const elapsed = () => (performance.now() - began) / 60_000;
  while (elapsed() < minutes) {
    const run = await contestant.run({ type: 'paced', perSecond }, SLICE_SECONDS, 0);
    const moment = await momentOf(elapsed(), run, stand.engine);
    moments.push(moment);
    // A soak that is ended before its time has shown something too
    if (moments.length % SLICES_KEPT === 0) write();
    progress.say(
      `${moment.minute.toFixed(1)} of ${minutes} min at ${perSecond}/s: ${Math.round(moment.perSecond)}/s answered, ` +
        `p99 ${moment.p99.toFixed(0)} ms, PostgreSQL ${moment.databaseUs.toFixed(0)} µs, RSS ${moment.rssMb.toFixed(0)} MB, outbox ${moment.outbox}`,
    );
  }
  write();
  progress.note(
    `PostgreSQL, µs of an event: ${drift(moments)}; written to bench/results/soak.json and docs/soak.svg`,
  );
}

function record(
  minutes: number,
  perSecond: number,
  saturated: readonly number[],
  moments: readonly Moment[],
): void {
  const title = `${minutes} minutes at ${perSecond} round trips a second (half of saturation)`;
  const date = new Date().toISOString().slice(0, 10);
  const folder = new URL('bench/results/', PACKAGE_ROOT);
  mkdirSync(folder, { recursive: true });
  const found = { title, date, machine: machine(), perSecond, saturated, moments };
  writeFileSync(new URL('soak.json', folder), `${JSON.stringify(found, rounded)}\n`);
  writeFileSync(new URL('docs/soak.svg', PACKAGE_ROOT), plot(`${title}, ${date}`, moments));
}

async function momentOf(
  minute: number,
  { perSecond, latency, cpu }: Measured,
  engine: Parameters<typeof gauge>[0],
): Promise<Moment> {
  const outbox = await gauge(engine, 'homeostat_outbox_depth');
  const rssMb = rssBytes(engine.pid) / 2 ** 20;
  return {
    minute,
    perSecond,
    p50: latency.p50,
    p99: latency.p99,
    engineUs: cpu.answering,
    databaseUs: cpu.database,
    rssMb,
    outbox,
  };
}

function rounded(_key: string, value: unknown): unknown {
  return typeof value === 'number' ? Math.round(value * 100) / 100 : value;
}

await main();
