/** After the fault: everything must go on by itself, and then hold what was promised. */
import { TOKEN } from '../../api/e2e/homeostat-process.ts';
import { messageOf } from '../../engine/index.ts';
import { type Evidence, gather, parkedIn } from './evidence.ts';
import { violations } from './invariants.ts';
import { until, within } from './patience.ts';
import type { Report } from './scenario.ts';
import type { Waivers } from './waivers.ts';
import type { World } from './world.ts';

/** A reconnect backs off up to 30 s, a delivery too. */
const RESUME_MS = 75_000;
const STOP_MS = 15_000;
const MAX_SHOWN = 12;

interface Journal {
  items: { eventId: string }[];
}

/**
 * Service resumes without a hand: it says so itself, each device's next report arrives, and what
 * waits to leave has left. Then the devices fall quiet and report once more: behind that nothing of
 * theirs is with the broker any more, which acknowledges before the engine does.
 */
export async function resumed(world: World): Promise<void> {
  const { engine, devices } = world;
  await until(RESUME_MS, 'ready again', async () => (await statusOf(engine.url)) === 200);
  await allArrive(world);
  for (const device of devices) device.isQuiet = true;
  await until(RESUME_MS, 'what devices answered is acknowledged', async () =>
    devices.every(({ underway }) => underway === 0),
  );
  await allArrive(world);
}

/** A report of each device is acknowledged and in its journal, and the outbox is empty. */
async function allArrive(world: World): Promise<void> {
  const { engine, devices } = world;
  await Promise.all(
    devices.map(async (device) => {
      const id = device.nextId();
      const { home, twin } = device;
      await within(RESUME_MS, `PUBACK for ${id}`, device.report(device.state(), id));
      await until(RESUME_MS, `${id} in the journal`, async () => {
        const path = `/v1/homes/${home}/twins/${twin}/journal?limit=50`;
        const { items } = await engine.get<Journal>(path);
        return items.some(({ eventId }) => eventId === id);
      });
    }),
  );
  await until(
    RESUME_MS,
    'the outbox empty',
    async () => (await undelivered(engine.url)) === 0,
  ).catch(async (error: unknown) => {
    throw new Error(`${messageOf(error)}${await whatWaits(world)}`, { cause: error });
  });
}

/** What is parked that should not be. */
async function whatWaits({ databaseUrl }: World): Promise<string> {
  const rows = await parkedIn(databaseUrl);
  const told = rows.slice(0, MAX_SHOWN).map((row) => `\n  ${JSON.stringify(row)}`);
  return `; ${rows.length} wait, read at ${Date.now()}:${told.join('')}`;
}

/** Stops the engine and holds its store against the model. @throws Error with what was violated */
export async function judge(world: World, waivers: Waivers = {}): Promise<Evidence> {
  const { peakRss } = await world.order({ order: 'usage' });
  const code = await within(STOP_MS, 'the engine stops', world.engine.stop());
  if (code !== 0) throw new Error(`the engine stopped with ${code}`);
  const evidence = await gather(world.databaseUrl);
  // What the broker has taken is on its way to the devices for a moment
  await until(5_000, 'commands arrive', async () =>
    violations(world.model, evidence, waivers).every((text) => !text.includes('never received')),
  ).catch(() => {}); // told below, with the rest
  assertNone(violations(world.model, evidence, waivers));
  world.peakRss = Math.max(world.peakRss, peakRss);
  return evidence;
}

export function figures({ model, peakRss }: World, { twins, intents }: Evidence): Report {
  const rows = twins.flatMap(({ journal }) => journal);
  return {
    sent: model.events.size,
    acknowledged: model.acknowledged,
    turns: rows.length,
    commands: intents.size,
    received: model.commands.size,
    doubled: [...model.commands.values()].filter(({ at }) => at.length > 1).length,
    folded: rows.filter(({ event }) => event['folded'] !== undefined).length,
    timers: rows.filter(({ event }) => event.type === 'timer.fired').length,
    peakRssMb: Math.round(peakRss / 2 ** 20),
  };
}

/** @throws Error with the first of them */
export function assertNone(found: readonly string[]): void {
  if (found.length === 0) return;
  const more = found.length > MAX_SHOWN ? [`… and ${found.length - MAX_SHOWN} more`] : [];
  throw new Error([...found.slice(0, MAX_SHOWN), ...more].join('\n'));
}

export async function statusOf(url: string): Promise<number | null> {
  try {
    const answer = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(5_000) });
    await answer.arrayBuffer();
    return answer.status;
  } catch {
    return null; // it does not run just now
  }
}

/** Effects that wait, and turns that destinations have not come to. */
function undelivered(url: string): Promise<number> {
  return sumOf(url, /^homeostat_outbox_(?:depth|lag\{[^}]*\}) (\d+)$/gm);
}

/** Positions of the log that destinations have not come to. */
export function lagOf(url: string): Promise<number> {
  return sumOf(url, /^homeostat_outbox_lag\{[^}]*\} (\d+)$/gm);
}

/** NaN where the engine tells none of these figures. */
async function sumOf(url: string, pattern: RegExp): Promise<number> {
  const answer = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${TOKEN}` } });
  const text = await answer.text();
  const figures = [...text.matchAll(pattern)];
  if (figures.length === 0) return Number.NaN;
  return figures.reduce((sum, [, figure]) => sum + Number(figure), 0);
}
