/** The weight with which a rule wants something of a twin, and how long it holds it. */
import type { Effect } from '../../../engine/kind.ts';
import type { Step } from './action.ts';

/** The claim of what is told to a twin; the least weight goes without saying. */
export function claimed(
  priority: number,
  holdMs?: number,
): { claim?: { priority: number; holdMs?: number } } {
  if (priority === 0 && holdMs === undefined) return {};
  return { claim: { priority, ...(holdMs !== undefined && { holdMs }) } };
}

/** Lets go of what the rule holds of a twin. */
export function released(to: string): Effect {
  return { type: 'tell', to, event: { type: 'desired.released' } };
}

/** Remembers what the rule holds of these twins from now on, and forgets what is over. @param holdMs undefined: nothing */
export function remember(
  { memory, moment: { now } }: Step,
  twins: readonly string[],
  holdMs: number | undefined,
): void {
  const holds = { ...memory.holds };
  for (const [twin, until] of Object.entries(holds)) {
    if (until <= now || twins.includes(twin)) delete holds[twin];
  }
  if (holdMs !== undefined) for (const twin of twins) holds[twin] = now + holdMs;
  if (Object.keys(holds).length > 0) memory.holds = holds;
  else delete memory.holds;
}

/** The twins that an action is for. */
export function twinsIn(twin: unknown): string[] {
  return [twin ?? []].flat().map(String);
}
