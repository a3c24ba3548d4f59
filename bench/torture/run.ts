import { startPostgres } from '../../engine/testing/postgres-server.ts';
import { Progress } from '../progress.ts';
import { type Case, casesOf, missingFor, nameOf, runCase } from './case.ts';
import { SCENARIOS } from './catalogue.ts';
import { Random } from './random.ts';
import { type Outcome, record, totals } from './record.ts';
import type { Broker, Report, Store } from './scenario.ts';

export interface RunOptions {
  minutes: number;
  rounds?: number;
  seed?: number;
  only?: string[];
  store?: Store;
  broker?: Broker;
  record?: boolean;
  behind?: number;
}

/** None takes longer, whatever breaks, */
const LONGEST_MS = 4 * 60_000;
/** but for one that first lets a reader fall behind: so much more a position. */
const BEHIND_MS_EACH = 6;

/**
 * Goes through the cases, round after round, until the time is up. Each has a seed of its own; in
 * the first round that is the run's, so that one case can be run again by it alone.
 * @returns how many failed
 */
export async function run(options: RunOptions, stop: AbortSignal): Promise<number> {
  const progress = new Progress();
  const seed = options.seed ?? Math.floor(Math.random() * 2 ** 31);
  const cases = wanted(options, progress);
  const startedAt = new Date();
  const endsAt = performance.now() + options.minutes * 60_000;
  const isOver = () => stop.aborted || performance.now() > endsAt || cases.length === 0;
  progress.note(`torture: seed ${seed}, ${cases.length} cases, ${options.minutes} min`);
  const outcomes: Outcome[] = [];
  const random = new Random(seed);
  progress.say('starting PostgreSQL');
  await using postgres = await startPostgres();
  for (let round = 0; round < (options.rounds ?? Number.POSITIVE_INFINITY) && !isOver(); round++) {
    for (const one of random.shuffled(cases)) {
      if (isOver()) break;
      const own = round === 0 ? seed : random.int(0, 2 ** 31);
      progress.say(`${nameOf(one)}, seed ${own}`);
      const ground = { postgresUrl: postgres.url, size: 'full', behind: options.behind } as const;
      const outcome = await attempt(one, own, ground, stop);
      // What was broken off has neither passed nor failed
      if (stop.aborted) break;
      outcomes.push(outcome);
      progress.note(told(outcome));
    }
  }
  const minutes = Math.round((Date.now() - startedAt.getTime()) / 6_000) / 10;
  progress.note(`${minutes} min: ${figuresOf(totals(outcomes))}`);
  if (options.record) {
    progress.note(`recorded in ${await record({ seed, startedAt, minutes, outcomes })}`);
  }
  return outcomes.filter(({ error }) => error !== null).length;
}

function wanted({ only, store, broker }: RunOptions, progress: Progress): Case[] {
  const named = SCENARIOS.filter(({ name }) => only?.includes(name) ?? true);
  return casesOf(named).filter((one) => {
    if (store !== undefined && one.store !== store) return false;
    if (broker !== undefined && one.broker !== broker) return false;
    const missing = missingFor(one);
    if (missing !== null) progress.note(`skipped: ${nameOf(one)}: ${missing}`);
    return missing === null;
  });
}

async function attempt(
  one: Case,
  seed: number,
  ground: Parameters<typeof runCase>[1],
  stop: AbortSignal,
): Promise<Outcome> {
  const began = performance.now();
  const longestMs = LONGEST_MS + (ground.behind ?? 0) * BEHIND_MS_EACH;
  const signal = AbortSignal.any([stop, AbortSignal.timeout(longestMs)]);
  let report: Report = {};
  let error: string | null = null;
  try {
    report = await runCase(one, ground, seed, signal);
  } catch (thrown) {
    error = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
  }
  const seconds = Math.round((performance.now() - began) / 100) / 10;
  return { one, seed, seconds, report, error };
}

function told({ one, seed, seconds, report, error }: Outcome): string {
  const what = `${nameOf(one)}, seed ${seed}, ${seconds} s`;
  if (error === null) return `passed  ${what}: ${figuresOf(report)}`;
  const { scenario, store, broker } = one;
  const again = `--only ${scenario.name} --store ${store} --broker ${broker} --seed ${seed} --rounds 1`;
  return `FAILED  ${what}\n${error}\n        npm run torture -- ${again}`;
}

function figuresOf(report: Report): string {
  return Object.entries(report)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');
}
