/** What a turn of a rule gets, and what comes of it. */
import type { Effect } from '../../../engine/kind.ts';
import type { Verdict } from '../conditions/judge.ts';
import type { OperandValue } from '../expressions/expression.ts';
import type { Place } from '../language/place.ts';
import type { Memory, TriggerFiring } from '../model/memory.ts';
import type { Outcome } from '../model/outcome.ts';
import type { AlarmMoment, Move } from '../triggers/trigger.ts';

/** The surroundings of a turn; its budget is what the turn may cost. */
export interface Moment extends AlarmMoment {
  /** Nothing is sent: what would be waited for of others is taken to have come. */
  isTrial?: boolean;
}

/** What happened on the way; for the explanation. */
export type Trace =
  | { type: 'condition'; run: number | null; verdict: Verdict; place: Place }
  | { type: 'refused'; hit: TriggerFiring; reason: string }
  | { type: 'started'; run: number; hit: TriggerFiring }
  | { type: 'done'; run: number; place: Place; what: string; operands: OperandValue[] }
  | { type: 'waits'; run: number; place: Place; what: string }
  | { type: 'ended'; run: number; outcome: Outcome; reason?: string }
  /** The engine has disabled the rule. */
  | { type: 'disabled'; reason: string }
  | ({ type: 'overruled' } & Overruling);

/** Somebody wants something else of a twin, and prevails. */
export interface Overruling {
  twin: string;
  keys: string[];
  by: string;
  /** Epoch ms; null: for good. */
  until: number | null;
}

/** What a moment brings to a rule. */
export interface RunInput {
  moves?: readonly Move[];
  waits?: readonly { run: number; thread: number; moves: readonly Move[]; isTrue: boolean }[];
  outcomes?: readonly { run: number; thread: number; status: string; error?: string }[];
  /** Runs by themselves: of a clock, a webhook, a person. */
  hits?: readonly { hit: TriggerFiring; unconditionally?: boolean }[];
  /** With the id of the wish that was in vain, where it was not an earlier one that counts no more. */
  overruled?: Overruling & { wish?: string };
  /** A thread's timer, or a trigger's. */
  due?: { hold: string } | { run: number; thread: number; hold?: string; late: number };
  /** A clock has come too late (ms). */
  missed?: { hit: TriggerFiring; late: number };
  /** To find out whether a change concerns the rule has cost too much. */
  exceeded?: string;
}

export interface Ended {
  outcome: Outcome;
  reason?: string;
}

export interface Reaction {
  memory: Memory;
  effects: Effect[];
  trace: Trace[];
  /** Runs that started and ended. */
  started: number;
  ended: Ended[];
  /** Why the turn cost more than it may; null: it did not. */
  exceeded: string | null;
}
