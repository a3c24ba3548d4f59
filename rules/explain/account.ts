/** What a rule did in one of its turns, and why: the turn folded again, with its trace. */
import type { JournalRow, PastTurn } from '../../engine/index.ts';
import { type Context, type RuleEvent, take } from '../kind/rule.ts';
import type { Trace } from '../kind/runs.ts';

export interface Account {
  revision: number;
  /** Epoch ms. */
  at: number;
  /** Id of the turn of another twin that it answers; null: its own clock, or somebody who asked. */
  because: string | null;
  event: string;
  trace: Trace[];
  effects: JournalRow['effects'];
}

/** Null for a turn in which the rule decided nothing. */
export function accountOf({ before, row }: PastTurn): Account | null {
  if (!before) return null;
  const event = eventOf(before, row);
  if (!event) return null;
  const { trace } = take(before.snapshot.context as unknown as Context, event);
  if (trace.length === 0) return null;
  return {
    revision: row.revision,
    at: row.receivedAt,
    because: event.type === 'observed' ? event.turn : null,
    event: event.type,
    trace,
    effects: row.effects,
  };
}

/** The event as the machine saw it. */
function eventOf(
  { state }: NonNullable<PastTurn['before']>,
  { event, at, receivedAt }: PastTurn['row'],
): RuleEvent | null {
  if (event.type !== 'timer.fired') return { ...event, at } as RuleEvent;
  const timer = state.timers.find(({ id }) => id === event.timer);
  if (!timer || event.skipped === true || event.failed === true) return null;
  const { late, facts } = event;
  return {
    ...timer.event,
    at: receivedAt,
    late,
    ...(facts !== undefined && { facts }),
  } as unknown as RuleEvent;
}
