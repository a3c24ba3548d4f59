/** What a rule did in one of its turns, and why: the turn folded again, with its trace. */
import type { JournalRow, PastTurn } from '../../../engine/index.ts';
import type { Verdict } from '../conditions/judge.ts';
import type { OperandValue } from '../expressions/expression.ts';
import { Measures } from '../expressions/measures.ts';
import type { Context } from '../kind/context.ts';
import type { Trace } from '../kind/reaction.ts';
import type { RuleEvent } from '../kind/rule-events.ts';
import { take } from '../kind/take.ts';

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
  const shown = trace.map(withShortValues);
  return {
    revision: row.revision,
    at: row.receivedAt,
    because: event.type === 'observed' ? event.turn : null,
    event: event.type,
    trace: shown,
    effects: row.effects,
  };
}

/** Bytes of a value that are shown; a rule may have read a whole webhook's body a thousand times. */
const MAX_SHOWN = 2_000;

function withShortValues(step: Trace): Trace {
  switch (step.type) {
    case 'done':
      return { ...step, what: cut(step.what), operands: step.operands.map(shortened) };
    case 'condition':
      return { ...step, verdict: withShortOperands(step.verdict) };
    default:
      return step;
  }
}

function withShortOperands(verdict: Verdict): Verdict {
  return {
    ...verdict,
    operands: verdict.operands.map(shortened),
    ...(verdict.of && { of: verdict.of.map(withShortOperands) }),
  };
}

function shortened({ text, value }: OperandValue): OperandValue {
  if (value === undefined) return { text };
  const { bytes } = new Measures(() => {}).of(value);
  return { text, value: bytes > MAX_SHOWN ? `(${bytes} bytes)` : value };
}

function cut(text: string): string {
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
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
