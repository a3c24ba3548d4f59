/** How deep what comes in may be nested: each level costs whoever walks it. */
import { isWithinLevels } from '../../engine/index.ts';
import { Refusal } from '../problem.ts';

/** Half of what the engine stores, as it wraps what comes in. */
const MAX_LEVELS = 32;

/** @throws Refusal `malformed` for data that are nested deeper */
export function assertShallow(data: unknown): void {
  if (isWithinLevels(data, MAX_LEVELS)) return;
  throw new Refusal('malformed', `the body is nested deeper than ${MAX_LEVELS} levels`, {
    hint: `Send data of at most ${MAX_LEVELS} levels of objects and lists.`,
  });
}
