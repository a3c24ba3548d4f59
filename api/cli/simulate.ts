import { Fleet } from '../simulator/fleet.ts';

export interface SimulateOptions {
  url: string;
  username?: string;
  password?: string;
  root: string;
  homes: number;
  rooms: number;
  interval: number;
  speed: number;
  seed: number;
  duration?: number;
}

/** `homeostat simulate`: runs a fleet until it is interrupted, with a line that shows how it goes. */
export async function simulate(options: SimulateOptions): Promise<void> {
  const homes: Record<string, string[]> = {};
  for (let h = 1; h <= options.homes; h++) {
    homes[`sim${h}`] = Array.from({ length: options.rooms }, (_, r) => `room${r + 1}`);
  }
  const fleet = await Fleet.start({
    url: options.url,
    root: options.root,
    username: options.username,
    password: options.password,
    homes,
    intervalMs: options.interval * 1_000,
    speed: options.speed,
    seed: options.seed,
  });
  const stopped = new Promise<void>((resolve) => {
    process.once('SIGINT', () => resolve());
    process.once('SIGTERM', () => resolve());
    if (options.duration !== undefined) setTimeout(resolve, options.duration * 1_000);
  });
  const began = Date.now();
  const progress = setInterval(() => show(fleet, began), process.stdout.isTTY ? 500 : 5_000);
  await stopped;
  clearInterval(progress);
  show(fleet, began);
  await fleet[Symbol.asyncDispose]();
  process.stdout.write('\n');
}

function show({ counts }: Fleet, began: number): void {
  const seconds = Math.round((Date.now() - began) / 1_000);
  const line =
    `${seconds} s  ${counts.rooms} rooms  ${counts.published} reports, ` +
    `${counts.published - counts.acknowledged} not yet acknowledged  ` +
    `${counts.commands} commands obeyed${counts.connected ? '' : '  — broker away, reconnecting'}`;
  // On a terminal the line stays in its place; in a log each one stands for itself
  process.stdout.write(process.stdout.isTTY ? `\r\x1b[2K${line}` : `${line}\n`);
}
