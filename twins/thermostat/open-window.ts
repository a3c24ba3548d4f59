/** An open window, seen from the temperature alone: it falls faster than any room cools by itself. */
import type { Settings } from './settings.ts';

/** Epoch ms and °C. */
export type Sample = [at: number, temperature: number];

/** Samples kept; more of them would only lie closer together. */
const MAX_SAMPLES = 8;

const MINUTE_MS = 60_000;

/** The recent samples with one more, thinned so that a chatty device fills no more than a slow one. */
export function remember(
  samples: readonly Sample[],
  [at, temperature]: Sample,
  { windowMinutes }: Settings,
): Sample[] {
  const span = windowMinutes * MINUTE_MS;
  const recent = samples.filter(([then]) => at - then <= span);
  const latest = recent.at(-1);
  if (latest !== undefined && at - latest[0] < span / MAX_SAMPLES) return recent;
  return [...recent, [at, temperature] satisfies Sample].slice(-MAX_SAMPLES - 1);
}

/** Whether the temperature has fallen from any recent sample by what an open window makes of it. */
export function hasFallen(
  samples: readonly Sample[],
  temperature: number | undefined,
  { windowDrop }: Settings,
): boolean {
  return (
    temperature !== undefined && samples.some(([, then]) => reaches(then - temperature, windowDrop))
  );
}

export function hasRecovered(
  lowest: number,
  temperature: number | undefined,
  { windowRecovery }: Settings,
): boolean {
  return temperature !== undefined && reaches(temperature - lowest, windowRecovery);
}

/** 21.2 − 19.7 is a hair less than 1.5 in binary. */
function reaches(difference: number, bound: number): boolean {
  return difference >= bound - 1e-9;
}
