/** How deep what comes in may be nested: each level costs whoever walks it. */
import { isWithinLevels } from '../../engine/index.ts';
import { Refusal } from '../problem.ts';

/** Half of what the engine stores, as it wraps what comes in. */
const MOST_LEVELS = 32;

/** @throws Refusal `malformed` for data that are nested deeper */
export function assertShallow(data: unknown): void {
  if (isWithinLevels(data, MOST_LEVELS)) return;
  throw new Refusal('malformed', `the body is nested deeper than ${MOST_LEVELS} levels`, {
    hint: `Send data of at most ${MOST_LEVELS} levels of objects and lists.`,
  });
}
