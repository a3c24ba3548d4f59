/** How a thread beside the server's leaves the processor to it: the lowest priority alone delays the server by some ms. */
import { setTimeout } from 'node:timers/promises';
import type { Pause } from '../../../engine/index.ts';

interface Machine {
  /** ms */
  now(): number;
  /** Processor time of the whole process so far, ms. */
  used(): number;
  rest(ms: number): Promise<void>;
}

/** A job works at least so long between two rests, ms. */
const WORKS_MS = 3;
/** A rest beside a process that takes a whole core for itself, as a multiple of the work before. */
const MAX_RESTS = 8;
/** What follows a long wait for the store. */
const MAX_MS = 20;

const THIS: Machine = {
  now: () => performance.now(),
  used() {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1_000;
  },
  rest: (ms) => setTimeout(ms),
};

/** Rests the longer after each stretch of work, the more of a core the rest of the process takes; beside an idle one, not at all. */
export function duty({ now, used, rest }: Machine = THIS): Pause {
  let began = now();
  let usedThen = used();
  let rested = began;
  return async () => {
    const at = now();
    const worked = at - rested;
    if (worked < WORKS_MS) return;
    const usedNow = used();
    const others = Math.max(0, usedNow - usedThen - worked) / (at - began);
    began = at;
    usedThen = usedNow;
    const ms = Math.min(worked, MAX_MS) * MAX_RESTS * Math.min(others, 1);
    if (ms >= 1) await rest(ms);
    rested = now();
  };
}
