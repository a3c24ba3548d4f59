/**
 * The deduplication window: which external events a twin has folded lately. Pure functions.
 *
 * A sender redelivers what it was not told to be stored: after a crash that is everything between a
 * commit and its lost acknowledgements. For most twins that is an event or two, for one that is
 * hammered it may be the whole flow-control window. So the window holds at least the last 64 ids,
 * and all of the last ten seconds, up to a bound. Seconds in which the twin has turns, that is: while
 * the store is away nothing is acknowledged, however long that takes.
 */
import { ID_HASH_LENGTH } from '../model/envelope.ts';
import type { SeenSegment } from '../model/twin-state.ts';

/** Lengths of texts: of so many hashes. */
const LEAST_LENGTH = 64 * ID_HASH_LENGTH;
const MAX_LENGTH = 4_096 * ID_HASH_LENGTH;
const KEPT_MS = 10_000;
/** What a silence counts for at most. */
const SILENCE_MS = 1_000;
const SEGMENT_LENGTH = 16 * ID_HASH_LENGTH;

export function hasSeen(seen: readonly SeenSegment[], hash: string): boolean {
  return seen.some(({ ids }) => holds(ids, hash));
}

/** Whether the hash is there as a whole, and not as the end of one and the beginning of the next. */
function holds(ids: string, hash: string): boolean {
  for (let at = ids.indexOf(hash); at >= 0; at = ids.indexOf(hash, at + 1)) {
    if (at % ID_HASH_LENGTH === 0) return true;
  }
  return false;
}

/** The window with these ids in it. @param now the turn's own time, epoch ms */
export function remember(
  seen: readonly SeenSegment[],
  hashes: readonly string[],
  now: number,
): SeenSegment[] {
  const ids = hashes.join('');
  const last = seen.at(-1);
  const window = last ? moved(seen, now - last.at) : [];
  if (last && last.ids.length < SEGMENT_LENGTH) {
    return [...window.slice(0, -1), { at: now, ids: last.ids + ids }];
  }
  return forget([...window, { at: now, ids }], now);
}

/** The window as it is after a silence. A clock that was set back counts as none. */
function moved(seen: readonly SeenSegment[], silence: number): readonly SeenSegment[] {
  const skipped = silence - Math.max(0, Math.min(silence, SILENCE_MS));
  return skipped === 0 ? seen : seen.map(({ at, ids }) => ({ at: at + skipped, ids }));
}

/**
 * Drops what is old from the front, at most two segments for each that comes: what is redelivered
 * after a long outage comes in the order of the window and must still find itself there.
 */
function forget(seen: SeenSegment[], now: number): SeenSegment[] {
  let total = 0;
  for (const { ids } of seen) total += ids.length;
  let dropped = 0;
  for (const { at, ids } of seen.slice(0, 2)) {
    const spare = total - ids.length >= LEAST_LENGTH;
    if (!spare || !(at < now - KEPT_MS || total > MAX_LENGTH)) break;
    total -= ids.length;
    dropped++;
  }
  return seen.slice(dropped);
}
