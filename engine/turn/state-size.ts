/** How large the state of a twin may become: it is read, written and kept in memory as a whole. */
import type { TwinState } from '../model/twin-state.ts';

/** Levels of objects and lists that stored data may have. */
export const MAX_LEVELS = 64;

/** The parts that machines and senders fill. */
const PARTS = ['context', 'timers', 'pending', 'alerts', 'leases'] as const;

/**
 * What keeps a state from being stored; null when nothing does. Not looked at again where a turn has left it as it was.
 * A state that was too large or too deep already may stay so as long as it does not grow: otherwise no turn could end
 * its timers or make it smaller.
 * @param limit bytes of JSON, about: texts count by their characters
 */
export function stateFlaw(
  before: TwinState | null,
  after: TwinState,
  limit: number,
): string | null {
  if (before !== null && PARTS.every((part) => after[part] === before[part])) return null;
  const flaw = flawOf(after, limit);
  if (flaw === null || before === null || flawOf(before, limit) === null) return flaw;
  return bytesOf(after) > bytesOf(before) ? flaw : null;
}

function flawOf(state: TwinState, limit: number): string | null {
  let left = limit;
  for (const part of PARTS) {
    left = sizeLeft(state[part], left, MAX_LEVELS);
    if (left === TOO_DEEP) {
      return `its state (${part}) is nested deeper than ${MAX_LEVELS} levels`;
    }
    if (left < 0) return `its state is larger than ${limit} bytes`;
  }
  return null;
}

function bytesOf(state: TwinState): number {
  return PARTS.reduce((sum, part) => sum + sizeOf(state[part]), 0);
}

/** Whether data have at most so many levels of objects and lists. */
export function isWithinLevels(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (levels === 0) return false;
  for (const key in value) {
    if (!isWithinLevels((value as Record<string, unknown>)[key], levels - 1)) return false;
  }
  return true;
}

/** Bytes of JSON that data would take, about: texts count by their characters. */
export function sizeOf(value: unknown): number {
  const most = Number.MAX_SAFE_INTEGER;
  return most - sizeLeft(value, most, Number.POSITIVE_INFINITY);
}

const SPENT = -1;
const TOO_DEEP = -2;
const NUMBER_BYTES = 8;

/** What is left of a limit after data; below zero: nothing. Stops where it is spent. */
function sizeLeft(value: unknown, limit: number, levels: number): number {
  if (limit < 0) return SPENT;
  if (typeof value === 'string') return Math.max(limit - value.length - 2, SPENT);
  if (typeof value !== 'object' || value === null) return Math.max(limit - NUMBER_BYTES, SPENT);
  if (levels === 0) return TOO_DEEP;
  let left = limit - 2;
  if (Array.isArray(value)) {
    for (let at = 0; at < value.length && left >= 0; at++) {
      left = sizeLeft(value[at], left - 1, levels - 1);
    }
    return left;
  }
  for (const name in value) {
    left = sizeLeft((value as Record<string, unknown>)[name], left - name.length - 4, levels - 1);
    if (left < 0) return left;
  }
  return left;
}
