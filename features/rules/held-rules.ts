/**
 * Whether the engine starts with the rules of all homes held back: because the operator wants it, or because it has
 * crashed again and again. The record of starts is in the store: a container that is made anew for each start keeps
 * no folder, but the store is the same.
 */
import type { Storage } from '../../engine/index.ts';
import type { Beginning, BeginPorts } from '../contract/feature.ts';
import type { rulesConfiguration } from './configuration.ts';

/** What the operator wants; undefined: nothing. */
export type RulesWish = 'held' | 'running' | undefined;

/** So close to each other starts have to be to count together. */
const WINDOW_MS = 5 * 60_000;

/** Records this start, before anything of the homes happens. */
export async function beginStart({
  storage,
  configuration: { RULES_AT_START: wish, RULES_HELD_AFTER_CRASHES: crashes },
  id,
  now,
}: BeginPorts<typeof rulesConfiguration.variables>): Promise<Beginning> {
  const because = reasonFor(await storage.beginStart(id, now), now, wish, crashes);
  const holdBack = because === null ? [] : ['rule'];
  return { holdBack, because, end: () => storage.endStart(id) };
}

function reasonFor(
  before: Awaited<ReturnType<Storage['beginStart']>>,
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
