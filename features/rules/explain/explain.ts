/** Why a rule did what it did in a span of time, and why it did nothing. */
import type { Reader } from '../../../engine/index.ts';
import type { Json } from '../../../engine/kind.ts';
import { Budget, BudgetExceeded, OBSERVE_LIMITS } from '../expressions/budget.ts';
import type { Context } from '../kind/context.ts';
import { type Program, programOf } from '../kind/program.ts';
import type { Definition } from '../rule-definition.ts';
import { historyOf, type Span } from '../trial/history.ts';
import { watchedBy } from '../trial/watched.ts';
import { typeOf } from '../triggers/index.ts';
import { movesOf, type NearMiss } from '../triggers/moves.ts';
import type { Move, TriggerInput } from '../triggers/trigger.ts';
import { type Account, accountOf } from './account.ts';

/** A trigger that did not fire although its twin changed. */
export interface Near {
  trigger: number;
  /** How often. */
  times: number;
  /** The change that came nearest, or the last one. */
  twin: string;
  at: number;
  reason: string;
  value?: Json;
  /** How long the trigger held at most, ms, where it has to hold. */
  heldMs?: number;
}

export interface Explanation {
  home: string;
  rule: string;
  span: Span;
  /** The rule as it was defined at the end of the span; null: it was not yet. */
  definition: Definition | null;
  /** Whether it was enabled at the end of the span. */
  enabled: boolean;
  accounts: Account[];
  /** Per trigger that moved too little; those that fired have accounts. */
  near: Near[];
  /** Changes of watched twins in the span. */
  seen: number;
}

/** Accounts that an explanation holds; those beyond are the oldest. */
const MAX_ACCOUNTS = 200;

/** @throws EngineError `unknown-twin`, `state-unreadable` where the journal does not reach back so far */
export async function explainRule(
  reader: Reader,
  home: string,
  rule: string,
  span: Span,
): Promise<Explanation> {
  const reading = await reader.readTwin({ home, twin: rule });
  const now = reading?.row.state.context as unknown as Context | undefined;
  const program = now?.definition ? programOf(now.definition) : null;
  const twins = program ? await watchedBy(reader, home, rule, program) : [];
  let context: Context | null = null;
  const accounts: Account[] = [];
  const near = new Map<number, Near>();
  let seen = 0;
  for await (const happening of historyOf(reader, home, [...twins, rule], span)) {
    if (happening.seen.twin === rule) {
      const account = accountOf(happening.past);
      if (account) accounts.push(account);
      context = happening.past.turned.twin.snapshot.context as unknown as Context;
      continue;
    }
    if (!twins.includes(happening.seen.twin)) continue;
    seen++;
    context ??= (await contextBefore(reader, home, rule, span)) ?? now ?? null;
    if (!context?.definition || !context.enabled) continue;
    const ready = programOf(context.definition);
    const { memory, timezone } = context;
    const input = {
      budget: new Budget(OBSERVE_LIMITS),
      seen: happening.seen,
      facts: () => happening.facts(ready.reads),
      timezone,
      readsAfter: ready.readsAfter,
    };
    const moves = movesWithin(ready, memory, input, (miss) => note(near, ready, miss));
    for (const { key, move, hit } of moves) {
      const trigger = ready.triggers[hit.trigger ?? -1]?.trigger;
      const until = memory.triggers[key]?.until;
      if (move !== 'breaks' || until === undefined || trigger?.for === undefined) continue;
      const heldMs = hit.at - (until - trigger.for);
      noteHeld(near, { trigger: hit.trigger ?? 0, heldMs, at: hit.at, twin: hit.twin ?? '' });
    }
  }
  const last = context ?? now ?? null;
  return {
    home,
    rule,
    span,
    definition: last?.definition ?? null,
    enabled: last?.enabled ?? false,
    accounts: accounts.slice(-MAX_ACCOUNTS),
    near: [...near.values()].sort((a, b) => a.trigger - b.trigger),
    seen,
  };
}

/** No moves where to find them costs too much: then the rule had no turn of them either. */
function movesWithin(
  { triggers }: Program,
  memory: Context['memory'],
  input: TriggerInput,
  witness: (miss: NearMiss) => void,
): Move[] {
  try {
    return movesOf(triggers, memory.triggers, input, witness);
  } catch (thrown) {
    if (thrown instanceof BudgetExceeded) return [];
    throw thrown;
  }
}

/** The rule as it was when the span began, where it has had no turn since. */
async function contextBefore(
  reader: Reader,
  home: string,
  rule: string,
  { from, to }: Span,
): Promise<Context | null> {
  for await (const { past } of historyOf(reader, home, [rule], { from, to })) {
    return (past.before?.snapshot.context ?? null) as unknown as Context | null;
  }
  return null;
}

function note(
  near: Map<number, Near>,
  { triggers }: Program,
  { trigger, ...miss }: NearMiss,
): void {
  const known = near.get(trigger);
  const times = (known?.times ?? 0) + 1;
  const is = triggers[trigger]?.trigger;
  const limit = is && typeOf(is).limit?.(is);
  const isNearer =
    limit === undefined ||
    known?.value === undefined ||
    Math.abs(Number(miss.value) - limit) <= Math.abs(Number(known.value) - limit);
  // One that held for a while came nearer than any that did not begin
  if (known && (known.heldMs !== undefined || !isNearer)) near.set(trigger, { ...known, times });
  else near.set(trigger, { trigger, times, ...miss });
}

function noteHeld(
  near: Map<number, Near>,
  { trigger, heldMs, at, twin }: { trigger: number; heldMs: number; at: number; twin: string },
): void {
  const known = near.get(trigger);
  const times = (known?.times ?? 0) + 1;
  if (known?.heldMs !== undefined && known.heldMs > heldMs) near.set(trigger, { ...known, times });
  else
    near.set(trigger, {
      trigger,
      times,
      twin,
      at,
      reason: 'it did not hold for long enough',
      heldMs,
    });
}
