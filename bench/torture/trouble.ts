import { assertNone, figures, judge, resumed } from './aftermath.ts';
import type { Device } from './device.ts';
import type { Evidence } from './evidence.ts';
import { type FleetPlan, fleetOf } from './fleet.ts';
import { Load } from './load.ts';
import type { Model } from './model.ts';
import { within } from './patience.ts';
import { Person } from './person.ts';
import type { Random } from './random.ts';
import type { Ground, Report } from './scenario.ts';
import type { Waivers } from './waivers.ts';
import { World, type WorldOptions } from './world.ts';

/** What goes on while something breaks. */
export interface Scene {
  world: World;
  devices: readonly Device[];
  load: Load;
  random: Random;
  ground: Ground;
  /** So many more measurements; a fault is timed by them. */
  goOn(least: number, most: number): Promise<void>;
}

export interface Setting {
  world?: WorldOptions;
  fleet?: FleetPlan;
  /** Measurements of all devices. */
  perSecond?: number;
  waivers?: Waivers;
  /** Waits until this scenario's own witnesses have seen everything; the devices are quiet, the engine runs. */
  settles?: (world: World) => Promise<void>;
  /** Figures of them, after everything. */
  figures?: () => Report;
  /** What this scenario promises on top of the invariants. @returns violations */
  holds?: (model: Model, evidence: Evidence) => string[];
  /** What the engine may take of memory at its peak. */
  mostRssMb?: number;
}

const DEFAULT_FLEET: FleetPlan = { homes: 3, thermostats: 4, relays: 2, sensors: 1 };
const DEFAULT_PER_SECOND = 400;
const LONGEST_MS = 90_000;
const MAX_RSS_MB = 400;

/**
 * The common course of a scenario: devices report and people steer all the time, something breaks
 * and is mended again; then everything must go on by itself and hold what was promised.
 */
export async function trouble(
  ground: Ground,
  random: Random,
  setting: Setting,
  breaks: (scene: Scene) => Promise<Report>,
): Promise<Report> {
  const world = await World.open(ground, setting.world);
  const devices = await fleetOf(world, setting.fleet ?? DEFAULT_FLEET, random);
  const load = new Load(devices, random.fork(), setting.perSecond ?? DEFAULT_PER_SECOND);
  const person = new Person(() => world.engine.url, world.model, 'person');
  const toggling = keepToggling(person, devices, random.fork());
  load.start();
  const goOn = (least: number, most: number) =>
    within(LONGEST_MS, 'the load goes on', load.more(random.int(least, most)));
  try {
    await goOn(20, 200);
    const report = await breaks({ world, devices, load, random, ground, goOn });
    await within(LONGEST_MS, 'what was sent is acknowledged', load.stop());
    person.giveUp();
    await within(LONGEST_MS, 'people get their answers', toggling);
    await resumed(world);
    await setting.settles?.(world);
    const evidence = await judge(world, setting.waivers);
    assertNone(setting.holds?.(world.model, evidence) ?? []);
    const all = { ...figures(world, evidence), ...report, ...setting.figures?.() };
    assertBounded(world, setting.mostRssMb ?? MAX_RSS_MB);
    return all;
  } catch (error) {
    throw new Error(withOutput(error, world), { cause: error });
  } finally {
    person.giveUp();
    load.breakOff();
  }
}

function assertBounded({ peakRss }: World, mostMb: number): void {
  const mb = Math.round(peakRss / 2 ** 20);
  if (mb > mostMb) throw new Error(`the engine took ${mb} MB of memory; ${mostMb} MB are allowed`);
}

function keepToggling(person: Person, devices: readonly Device[], random: Random): Promise<void> {
  const relays = devices.filter(({ kind }) => kind === 'relay');
  if (relays.length === 0) return Promise.resolve();
  const toggling = person.keepToggling(() => random.pick(relays));
  toggling.catch(() => {}); // looked at in the end
  return toggling;
}

/** What the engine said last is most often why. */
function withOutput(error: unknown, { engine }: World): string {
  const text = error instanceof Error ? error.message : String(error);
  const said = engine.output.trim().split('\n').slice(-8).join('\n');
  return `${text}\n--- the engine's last words:\n${said.slice(-4_000)}`;
}
