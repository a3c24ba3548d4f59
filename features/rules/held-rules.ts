/**
 * Whether the engine starts with the rules of all homes held back: because the operator wants it, or because it has
 * crashed again and again. The record of starts is in the store: a container that is made anew for each start keeps
 * no folder, but the store is the same.
 */
import type { Storage } from '../../engine/index.ts';

/** What the command line says; null: nothing. */
export type RulesWish = 'with' | 'without' | null;

/** So close to each other starts have to be to count together. */
const WINDOW_MS = 5 * 60_000;

export interface ThisStart {
  /** Why the rules are held back; null: they are not. */
  held: string | null;
  /** It ends as it should. */
  end: () => Promise<void>;
}

/**
 * Records this start, before anything of the homes happens.
 * @param crashes starts without a clean end after which rules are held back; 0: never
 */
export async function beginStart(
  storage: Pick<Storage, 'beginStart' | 'endStart'>,
  { id, now, wish, crashes }: { id: string; now: number; wish: RulesWish; crashes: number },
): Promise<ThisStart> {
  const before = await storage.beginStart(id, now);
  return { held: reasonFor(before, now, wish, crashes), end: () => storage.endStart(id) };
}

function reasonFor(
  before: Awaited<ReturnType<Storage['beginStart']>>,
  now: number,
  wish: RulesWish,
  crashes: number,
): string | null {
  if (wish === 'with') return null;
  if (wish === 'without') return 'it was started with --without-rules';
  const last = before.slice(0, crashes);
  if (crashes === 0 || last.length < crashes || last.some(({ ended }) => ended)) return null;
  const first = last.at(-1)?.at ?? now;
  const latest = last[0]?.at ?? now;
  // A clock that was set back makes a distance negative; that is no distance
  if (latest - first > WINDOW_MS || now - latest > WINDOW_MS) return null;
  return `its last ${crashes} starts, within five minutes, did not end cleanly`;
}
