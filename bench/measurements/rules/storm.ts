import { setTimeout } from 'node:timers/promises';
import { ReleaseStack } from '../../../api/release-stack.ts';
import { LoadGenerator } from '../../child.ts';
import { type Contestant, homeostat, type Measured } from '../../contestant.ts';
import { type FleetShape, homeOf, twinOf } from '../../load/fleet.ts';
import type { Figure, Setting } from '../../measurement.ts';
import { makeStand, type Where } from '../../stand.ts';
import { median } from '../../statistics.ts';
import { contest, middle, ratio, type Standing } from '../contest.ts';
import { Ring } from './ring.ts';

const WHERE: Where = { store: 'PostgreSQL', broker: 'Mosquitto' };
/**
 * PostgreSQL has two shards, and a home's is chosen by FNV-1a, whose last bit is the parity of the name's
 * letters: both homes are in the same one, or they would not meet but at the processor and the disk.
 */
const NEIGHBOUR: FleetShape = { devices: 1_000, homes: 1, kind: 'thermostat', prefix: 'c' };
const STORMY: FleetShape = { devices: 10, homes: 1, kind: 'sensor', prefix: 'a' };
const HOME = `/v1/homes/${homeOf(STORMY, 0)}`;
/** Each thermostat every other second: one that reports again before its answer would take that for the next. */
const PACED = 500;
const REPORTS = 200;
const RULES = 50;
/** The share of answers below which a run was a standstill. */
const ANSWERED = 0.9;
/** After these 60 runs of each rule are over. */
const OUTBREAK_SECONDS = 4;

/** Rounds for each one asked for: the 25 slowest answers of a round are those of one hiccup of the machine. */
const ROUNDS = 2;

/** What goes on beside the neighbour. */
interface Weather {
  name: string;
  reports: boolean;
  rules: boolean;
  /** Whether it has gone on for a while before the neighbour is looked at. */
  lasts: boolean;
}

const ALONE: Weather = { name: 'alone', reports: false, rules: false, lasts: false };
const CALM: Weather = { ...ALONE, name: 'beside the same reports without rules', reports: true };
const BREAKS: Weather = { ...CALM, name: 'while the storm breaks', rules: true };
const LASTS: Weather = { ...BREAKS, name: 'while the storm lasts', lasts: true };

/** What a home sees of the storm in another. */
export async function storm(setting: Setting): Promise<Figure[]> {
  await using stack = new ReleaseStack();
  setting.progress.say('starting an engine with two homes');
  const neighbour = stack.use(await homeostat(setting, await makeStand(setting, WHERE), NEIGHBOUR));
  const { engine } = neighbour;
  if (!engine) throw new Error('the echo client has no rules');
  const sensors = stack.use(LoadGenerator.start());
  const where = { url: engine.mqttUrl, connections: 1, fleet: STORMY };
  await sensors.order({ type: 'connect', ...where });
  await sensors.order({ type: 'introduce', who: 'all' });
  await engine.until(`${HOME}/twins/${twinOf(STORMY.devices - 1)}`, () => true);
  const ring = new Ring(engine, HOME, RULES);
  await ring.furnish();
  setting.progress.say('letting a first storm warm the engine up');
  await ring.define();
  await report(sensors, 0, OUTBREAK_SECONDS);
  await ring.forget();

  const counted = new Map<string, number[]>();
  const beside = (weather: Weather): Contestant => ({
    ...neighbour,
    name: weather.name,
    async run(load, seconds, warmUpSeconds) {
      if (weather.rules) await ring.define();
      const lead = weather.lasts ? OUTBREAK_SECONDS : 0;
      const wait = weather.lasts ? 0 : warmUpSeconds;
      const [result] = await Promise.all([
        setTimeout(lead * 1_000).then(async () => {
          const before = await ring.runs();
          const measured = await neighbour.run(load, seconds, warmUpSeconds);
          const stormy = warmUpSeconds + seconds - wait;
          const runs = ((await ring.runs()) - before) / stormy;
          counted.set(weather.name, [...(counted.get(weather.name) ?? []), runs]);
          return censored(measured, seconds);
        }),
        weather.reports && report(sensors, wait, lead + warmUpSeconds + seconds - wait),
      ]);
      if (weather.rules) await ring.forget();
      return result;
    },
    // The neighbour's owner ends it
    [Symbol.asyncDispose]: async () => {},
  });
  const load = { type: 'paced', perSecond: PACED } as const;
  const weathers = [ALONE, CALM, BREAKS, LASTS].map(beside);
  const often = { ...setting, rounds: ROUNDS * setting.rounds };
  const standings = await contest(often, 'storm', load, weathers);
  return [...runsOf(counted), ...latencies(standings)];
}

/** A generator leaves out what is answered after the end: a standstill up to there must not look like none. */
function censored(measured: Measured, seconds: number): Measured {
  if (measured.answered > ANSWERED * measured.sent) return measured;
  const atLeast = seconds * 1_000;
  return { ...measured, latency: { p50: atLeast, p99: atLeast, max: atLeast } };
}

/** Lets the sensors of the other home report for a while. */
async function report(sensors: LoadGenerator, afterSeconds: number, seconds: number) {
  await setTimeout(afterSeconds * 1_000);
  const load = { type: 'paced', perSecond: REPORTS } as const;
  await sensors.run({ load, seconds, warmUpSeconds: 0 });
}

/** @throws Error where there was none */
function runsOf(counted: ReadonlyMap<string, number[]>): Figure[] {
  return [BREAKS, LASTS].map(({ name }) => {
    const rounds = counted.get(name) ?? [];
    if (!rounds.every((runs) => runs > 0)) throw new Error(`there was no storm ${name}`);
    return {
      what: `runs of ${RULES} rules that set each other off in a circle, which ${REPORTS} reports a second set off, ${name}`,
      unit: '/s',
      value: median(rounds),
      rounds,
    };
  });
}

function latencies([alone, calm, breaks, lasts]: Standing[]): Figure[] {
  const what = `of ${PACED} round trips a second in another home`;
  const p50 = ({ latency }: Measured) => latency.p50;
  const p99 = ({ latency }: Measured) => latency.p99;
  return [
    ...[alone, calm, breaks, lasts].flatMap((standing): Figure[] =>
      standing
        ? [
            { what: `p50 ${what}: ${standing.name}`, unit: 'ms', ...middle(standing, p50) },
            { what: `p99 ${what}: ${standing.name}`, unit: 'ms', ...middle(standing, p99) },
          ]
        : [],
    ),
    ...[breaks, lasts].map(
      (standing): Figure => ({
        what: `p99 ${what}: ${standing?.name} ÷ ${calm?.name}`,
        unit: '×',
        ...ratio(standing, calm, p99),
        target: { atMost: 1.5 },
      }),
    ),
  ];
}
