import { ReleaseStack } from '../../api/release-stack.ts';
import { type Contestant, echo, homeostat, type Measured } from '../contestant.ts';
import type { FleetShape } from '../load/fleet.ts';
import type { Load } from '../load/protocol.ts';
import type { Setting } from '../measurement.ts';
import { makeStand, nameOf, type Where } from '../stand.ts';
import { median } from '../statistics.ts';

export interface Standing {
  name: string;
  /** The results of all rounds. */
  results: Measured[];
}

/** Contestants in turn, round by round, so that what the machine does meanwhile meets them alike. */
export async function contest(
  { progress, rounds, quick }: Setting,
  title: string,
  load: Load,
  contestants: readonly Contestant[],
): Promise<Standing[]> {
  const seconds = quick ? 2 : 6;
  const warmUpSeconds = quick ? 1 : 2;
  const standings = contestants.map(({ name }): Standing => ({ name, results: [] }));
  for (let round = 0; round < rounds; round++) {
    for (const [at, contestant] of contestants.entries()) {
      const result = await contestant.run(load, seconds, warmUpSeconds);
      standings[at]?.results.push(result);
      const { p50, p99 } = result.latency;
      progress.say(
        `${title}, round ${round + 1} of ${rounds}: ${contestant.name} ` +
          `${Math.round(result.perSecond)}/s, p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, CPU µs an event: ${cpuOf(result)}`,
      );
    }
  }
  return standings;
}

/** The median of the rounds' ratios, and each. */
export function ratio(
  of: Standing | undefined,
  to: Standing | undefined,
  figure: (result: Measured) => number,
): { value: number; rounds: number[] } {
  const rounds = (of?.results ?? []).map((result, round) => {
    const other = to?.results[round];
    return other ? figure(result) / figure(other) : 0;
  });
  return { value: median(rounds), rounds };
}

export function middle(
  { results }: Standing,
  figure: (result: Measured) => number,
): { value: number; rounds: number[] } {
  const rounds = results.map(figure);
  return { value: median(rounds), rounds };
}

/** Starts the reference and the engines one after another; all end together. */
export async function lineUp(
  setting: Setting,
  fleet: FleetShape,
  engines: readonly Where[],
): Promise<{ contestants: Contestant[] } & AsyncDisposable> {
  const stack = new ReleaseStack();
  const contestants: Contestant[] = [];
  try {
    contestants.push(stack.use(await echo(fleet)));
    const { former } = setting;
    const all = former ? engines.flatMap((where) => [{ ...where, former }, where]) : engines;
    for (const where of all) {
      if (!nameOf(where).includes(setting.against)) continue;
      setting.progress.say(`starting ${nameOf(where)}`);
      contestants.push(stack.use(await homeostat(setting, await makeStand(setting, where), fleet)));
    }
  } catch (error) {
    await stack[Symbol.asyncDispose]();
    throw error;
  }
  return { contestants, [Symbol.asyncDispose]: () => stack[Symbol.asyncDispose]() };
}

function cpuOf({ cpu }: Measured): string {
  return Object.entries(cpu)
    .map(([who, micros]) => `${who} ${micros.toFixed(0)}`)
    .join(', ');
}
