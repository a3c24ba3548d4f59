import { mkdir, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { PACKAGE_ROOT } from '../../engine/testing/package-root.ts';
import { type Case, nameOf } from './case.ts';
import type { Report } from './scenario.ts';

/** A case that was run. */
export interface Outcome {
  one: Case;
  seed: number;
  seconds: number;
  report: Report;
  /** What was violated; null: nothing. */
  error: string | null;
}

export interface Run {
  seed: number;
  startedAt: Date;
  minutes: number;
  outcomes: readonly Outcome[];
}

/** Figures that mean something when those of many runs are added up. */
const SUMMED = ['acknowledged', 'turns', 'commands', 'received', 'doubled', 'timers', 'kills'];

export function totals(outcomes: readonly Outcome[]): Report {
  const sum = (name: string) =>
    outcomes.reduce((total, { report }) => total + (report[name] ?? 0), 0);
  return {
    runs: outcomes.length,
    failed: outcomes.filter(({ error }) => error !== null).length,
    ...Object.fromEntries(SUMMED.map((name) => [name, sum(name)])),
  };
}

/** Writes what is worth keeping: sums for each case, and each failure. @returns the file's name */
export async function record({ seed, startedAt, minutes, outcomes }: Run): Promise<string> {
  const byCase = new Map<string, Outcome[]>();
  for (const outcome of outcomes) {
    const name = nameOf(outcome.one);
    byCase.set(name, [...(byCase.get(name) ?? []), outcome]);
  }
  const found = {
    seed,
    startedAt,
    minutes,
    machine: `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, Node ${process.version}`,
    totals: totals(outcomes),
    cases: Object.fromEntries([...byCase].sort().map(([name, runs]) => [name, totals(runs)])),
    failures: outcomes
      .filter(({ error }) => error !== null)
      .map((failed) => ({ case: nameOf(failed.one), seed: failed.seed, error: failed.error })),
  };
  const name = `bench/results/torture-${startedAt.toISOString().slice(0, 10)}.json`;
  await mkdir(new URL('bench/results/', PACKAGE_ROOT), { recursive: true });
  await writeFile(new URL(name, PACKAGE_ROOT), `${JSON.stringify(found, null, 2)}\n`);
  return name;
}
