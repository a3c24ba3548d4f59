/**
 * Homeostat as `homeostat start` runs it, with doors that break when the parent says so. It ends
 * with its parent.
 */
import { type Homeostat, startHomeostat } from '../../api/compose.ts';
import { readConfig } from '../../api/config.ts';
import { createLogger } from '../../api/logging.ts';
import { breakingDoors, Doom, Reach } from './breaking-doors.ts';
import type { Answer, Order } from './orders.ts';
import { SkewedClock } from './skewed-clock.ts';

/** As of the shipped program. */
const STOP_MS = 10_000;

const doom = new Doom();
const clock = new SkewedClock();
const reach = new Reach();
const config = readConfig();
let homeostat: Homeostat | null = null;
let stopping = false;

process.on('message', (order: Order) => {
  if (order.order === 'kill') doom.set(order.point, order.passes);
  if (order.order === 'clock') clock.set(order.offsetMs);
  if (order.order === 'destinations') reach.set(order.areAway);
  const { maxRSS } = process.resourceUsage();
  process.send?.({ rss: process.memoryUsage.rss(), peakRss: maxRSS * 1_024 } satisfies Answer);
});
process.on('disconnect', () => process.exit(1));
process.once('SIGTERM', () => void stop(0));

homeostat = await startHomeostat(
  config,
  createLogger(config.logLevel),
  () => void stop(1),
  breakingDoors(doom, clock, reach),
);
if (stopping) await homeostat[Symbol.asyncDispose]();
else process.stdout.write('Homeostat is running\n');

async function stop(exitCode: number): Promise<void> {
  if (stopping) return;
  stopping = true;
  setTimeout(() => {
    process.stderr.write('could not stop in time\n');
    process.exit(1);
  }, STOP_MS).unref();
  await homeostat?.[Symbol.asyncDispose]();
  process.exitCode = exitCode;
  // Else the channel to the parent would keep it alive
  process.channel?.unref();
}
