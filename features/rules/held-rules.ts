/**
 * Whether the engine starts with the rules of all homes held back: because the operator wants it, or because it has
 * crashed again and again. The record of starts is in the store: a container that is made anew for each start keeps
 * no folder, but the store is the same.
 */
import type { StartRow } from '../../engine/index.ts';
import type { BeginPorts, HeldBack } from '../contract/feature.ts';
import type { rulesConfiguration } from './configuration.ts';

/** What the operator wants; undefined: nothing. */
type RulesWish = 'held' | 'running' | undefined;

/** So close to each other starts have to be to count together. */
const WINDOW_MS = 5 * 60_000;

/** Whether a start holds rules back, by what the operator wants and how the starts before it ended. */
export function holdRules({
  configuration: { RULES_AT_START: wish, RULES_HELD_AFTER_CRASHES: crashes },
  formerStarts,
  now,
}: BeginPorts<typeof rulesConfiguration.variables>): HeldBack | null {
  const because = reasonFor(formerStarts, now, wish, crashes);
  return because === null ? null : { kinds: ['rule'], because };
}

function reasonFor(
  before: readonly StartRow[],
  now: number,
  wish: RulesWish,
  crashes: number,
): string | null {
  if (wish === 'running') return null;
  if (wish === 'held') return 'whoever started the server wants it (RULES_AT_START)';
  const last = before.slice(0, crashes);
  if (crashes === 0 || last.length < crashes || last.some(({ ended }) => ended)) return null;
  const first = last.at(-1)?.at ?? now;
  const latest = last[0]?.at ?? now;
  // A clock that was set back makes a distance negative; that is no distance
  if (latest - first > WINDOW_MS || now - latest > WINDOW_MS) return null;
  return `its last ${crashes} starts, within five minutes, did not end cleanly`;
}
