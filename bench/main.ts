/** `npm run bench`: measures, prints, and writes down what it found. */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Command } from 'commander';
import { mosquittoMissing } from '../adapters/mqtt/testing/mosquitto.ts';
import { Databases } from './databases.ts';
import { type Figure, isMet, type Measurement } from './measurement.ts';
import { api } from './measurements/api.ts';
import { bombs } from './measurements/bombs.ts';
import { history } from './measurements/history.ts';
import { roundTrip } from './measurements/round-trip.ts';
import { rules } from './measurements/rules.ts';
import { scale } from './measurements/scale.ts';
import { streams } from './measurements/streams.ts';
import { telemetryOfMany, telemetryOfThousands } from './measurements/telemetry.ts';
import { time } from './measurements/time.ts';
import { Progress } from './progress.ts';
import { Report } from './report.ts';

const MEASUREMENTS: readonly Measurement[] = [
  roundTrip,
  telemetryOfThousands,
  telemetryOfMany,
  scale,
  time,
  api,
  streams,
  history,
  rules,
  bombs,
];

const options = new Command('bench')
  .option('--only <names>', `some of: ${MEASUREMENTS.map(({ name }) => name).join(', ')}`)
  .option('--rounds <n>', 'rounds of each comparison', Number, 5)
  .option('--quick', 'short runs that show that all works; their figures are not written down')
  .option('--against <text>', 'only engines whose name holds this, such as "PostgreSQL, Mosquitto"')
  .option(
    '--former <folder>',
    'another checkout, built: its engines take part beside ours; nothing is written down',
  )
  .option('--profile <folder>', 'CPU profiles of the engines; nothing is written down')
  .parse()
  .opts<{
    only?: string;
    rounds: number;
    quick?: boolean;
    profile?: string;
    against?: string;
    former?: string;
  }>();

async function main(): Promise<void> {
  if (mosquittoMissing !== null) throw new Error(mosquittoMissing);
  const progress = new Progress();
  const wanted = chosen();
  const { quick, profile, against, former } = options;
  const counts = !quick && [profile, against, former].every((one) => one === undefined);
  const report = new Report(MEASUREMENTS);
  await using databases = await Databases.start();
  for (const measurement of wanted) {
    progress.note(`\n${measurement.title}`);
    const figures = await measurement.run({
      databases,
      progress,
      rounds: options.rounds,
      quick: options.quick ?? false,
      profiles: options.profile ?? null,
      against: options.against ?? '',
      former: former === undefined ? null : pathToFileURL(`${resolve(former)}/`),
    });
    for (const figure of figures) progress.note(line(figure));
    if (counts) report.add(measurement, options.rounds, figures);
  }
  if (counts) progress.note('\nwritten to bench/results/latest.json and docs/benchmarks.md');
}

function chosen(): Measurement[] {
  if (options.only === undefined) return [...MEASUREMENTS];
  return options.only.split(',').map((name) => {
    const measurement = MEASUREMENTS.find((one) => one.name === name);
    if (!measurement) throw new Error(`there is no measurement "${name}"; see --help`);
    return measurement;
  });
}

function line(figure: Figure): string {
  const met = isMet(figure);
  return `${met === null ? ' ' : met ? '✓' : '✗'} ${figure.what}: ${figure.value.toFixed(2)} ${figure.unit}`;
}

await main();
