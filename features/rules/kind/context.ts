/** What a rule is between its turns. */
import type { Effect } from '../../../engine/kind.ts';
import type { Memory } from '../model/memory.ts';
import type { Origin } from '../model/origin.ts';
import type { Definition } from '../rule-definition.ts';
import type { Trace } from './reaction.ts';

type Reported = {
  /** Runs so far. */
  runs: number;
  /** Runs under way. */
  running: number;
  /** Runs that failed so far. */
  failures: number;
  lastRunAt: number | null;
  lastOutcome: string | null;
  lastError: string | null;
  /** Who prevailed when it last wanted something in vain, and of what. */
  overruled: { twin: string; keys: string[]; by: string; until: number | null; at: number } | null;
};
export type Context = {
  home: string;
  twin: string;
  timezone: string;
  enabled: boolean;
  definition: Definition | null;
  /** The rule beside which it is on trial since a moment (epoch ms); null: it is live. */
  draftOf: { rule: string; since: number } | null;
  /** The author's own text, where there was one. */
  source: string | null;
  /** The blueprint that it is made from; null or absent: it is one of its own. */
  origin?: Origin | null;
  memory: Memory;
  reported: Reported;
};

/** What comes of an event. */
export interface Taken {
  context: Context;
  effects: Effect[];
  trace: Trace[];
  /** Why the turn cost more than it may. */
  exceeded?: string | null;
}
