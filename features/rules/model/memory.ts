/** What a rule remembers between its turns. Plain JSON: it is the rule's context. */
import type { Json, JsonObject } from '../../../engine/kind.ts';

/** What set a rule off; expressions read it as `trigger`. */
export type TriggerFiring = {
  /** Index of the trigger; null: somebody has run the rule by hand. */
  trigger: number | null;
  /** The trigger's own id, or its type. */
  id: string;
  type: string;
  /** Epoch ms. */
  at: number;
  twin?: string;
  room?: string;
  from?: Json;
  to?: Json;
  event?: JsonObject;
  alert?: JsonObject;
  intent?: JsonObject;
  body?: Json;
  topic?: string;
  /** The twin as it is after the change: what the rule's expressions read of it. */
  after?: JsonObject;
};

/** What a trigger has to remember, by `index` or `index:twin`. */
export type TriggerMemory = {
  /** It has fired, and has to come back by its hysteresis first. */
  isSpent?: true;
  /** It holds since; fires at `until` (epoch ms) if it still does. */
  until?: number;
  hit?: TriggerFiring;
  /** Whether a `when` was true. */
  isTrue?: boolean;
};

export type Waiting =
  | { type: 'delay' }
  /** Waits for an event or a condition; `memory` is that of its triggers. */
  | { type: 'wait'; memory: Record<string, TriggerMemory> }
  /** Waits for what becomes of a command. */
  | { type: 'command'; ref: string; open: number; tries: number }
  | { type: 'retry'; tries: number };

/** A line of a run: where it stands, and what for. */
export type Thread = {
  id: number;
  /** Index of the instruction that comes next, or that it waits at. */
  at: number;
  /** Rounds so far of the loops that it is in, by instruction. */
  rounds: Record<string, number>;
  /** The fork that it came of; null: the run's first. */
  fork: number | null;
  waiting?: Waiting;
};

export type Run = {
  id: number;
  key: string;
  hit: TriggerFiring;
  /** Epoch ms. */
  startedAt: number;
  vars: JsonObject;
  threads: Thread[];
  /** Threads that are still to come back, and where they came from, by fork. */
  forks: Record<string, { left: number; parent: number | null; rounds: Record<string, number> }>;
  nextThread: number;
};

export type Memory = {
  triggers: Record<string, TriggerMemory>;
  runs: Run[];
  /** What waits for its turn in mode `queued`. */
  queue: { key: string; hit: TriggerFiring }[];
  nextRun: number;
  /** Runs that may start now, as of `at` (epoch ms); it refills with time. */
  budget: { left: number; at: number };
  /** The moment since which runs have been refused because there were too many; null: they are not. */
  stormSince: number | null;
  /** When turns of the rule cost more than they may (epoch ms); of late only. */
  overruns?: number[];
  /** Why the engine has disabled it; a person enables it again. */
  stopped?: string;
  /** It has raised the alert that the rules of its home are held back. */
  saysHeld?: true;
  /** When it was last left out because the rules of the home had spent all that a change may cost (epoch ms). */
  leftOutAt?: number;
  /** When the rule ceases to hold something of a twin (epoch ms), by twin. */
  holds?: Record<string, number>;
};

/** Runs at once, and then one a second. */
const MAX_RUNS_AT_ONCE = 60;

/** So often within {@link OVERRUN_MS} a turn may cost too much: then the rule is disabled. */
const MAX_OVERRUNS = 3;
const OVERRUN_MS = 60 * 60_000;

/** Remembers that a turn has cost too much. @returns whether it was once too often */
export function overrun(memory: Memory, now: number): boolean {
  memory.overruns = [...(memory.overruns ?? []).filter((at) => at > now - OVERRUN_MS), now];
  return memory.overruns.length >= MAX_OVERRUNS;
}

export function freshMemory(at: number): Memory {
  return {
    triggers: {},
    runs: [],
    queue: [],
    nextRun: 1,
    budget: { left: MAX_RUNS_AT_ONCE, at },
    stormSince: null,
  };
}

/** What may start at this moment. */
export function budgetAt({ budget }: Memory, now: number): number {
  return Math.min(MAX_RUNS_AT_ONCE, budget.left + refillOf(budget, now));
}

/** The moment up to which the budget has been refilled; what is left of a second counts on. */
export function refilledAt(memory: Memory, now: number): number {
  const { budget } = memory;
  if (budgetAt(memory, now) === MAX_RUNS_AT_ONCE) return now;
  return budget.at + refillOf(budget, now) * 1_000;
}

function refillOf({ at }: Memory['budget'], now: number): number {
  return Math.floor(Math.max(0, now - at) / 1_000);
}
