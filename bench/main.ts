/** `npm run bench`: measures, prints, and writes down what it found. */
import { Command } from 'commander';
import { mosquittoMissing } from '../adapters/mqtt/testing/mosquitto.ts';
import { Databases } from './databases.ts';
import { type Figure, isMet, type Measurement } from './measurement.ts';
import { roundTrip } from './measurements/round-trip.ts';
import { telemetryOfMany, telemetryOfThousands } from './measurements/telemetry.ts';
import { Progress } from './progress.ts';

const MEASUREMENTS: readonly Measurement[] = [roundTrip, telemetryOfThousands, telemetryOfMany];

const options = new Command('bench')
  .option('--only <names>', `some of: ${MEASUREMENTS.map(({ name }) => name).join(', ')}`)
  .option('--rounds <n>', 'rounds of each comparison', Number, 5)
  .option('--quick', 'short runs, to see that all works')
  .option('--against <text>', 'only engines whose name holds this, such as "PostgreSQL, Mosquitto"')
  .option('--profile <folder>', 'CPU profiles of the engines')
  .parse()
  .opts<{ only?: string; rounds: number; quick?: boolean; profile?: string; against?: string }>();

async function main(): Promise<void> {
  if (mosquittoMissing !== null) throw new Error(mosquittoMissing);
  const progress = new Progress();
  const only = options.only?.split(',');
  await using databases = await Databases.start();
  for (const measurement of MEASUREMENTS) {
    if (only && !only.includes(measurement.name)) continue;
    progress.note(`\n${measurement.title}`);
    const figures = await measurement.run({
      databases,
      progress,
      rounds: options.rounds,
      quick: options.quick ?? false,
      profiles: options.profile ?? null,
      against: options.against ?? '',
    });
    for (const figure of figures) progress.note(line(figure));
  }
}

function line(figure: Figure): string {
  const met = isMet(figure);
  return `${met === null ? ' ' : met ? '✓' : '✗'} ${figure.what}: ${figure.value.toFixed(2)} ${figure.unit}`;
}

await main();
