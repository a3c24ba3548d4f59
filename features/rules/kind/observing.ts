/** Whether a change of a watched twin concerns a rule. Pure; asked about each change. */
import type { EventData, Facts, JsonObject, Observation } from '../../../engine/kind.ts';
import { BudgetExceeded } from '../expressions/budget.ts';
import { HOME_TWIN } from '../model/home-twin.ts';
import { budgetAt, type Run, type Thread } from '../model/memory.ts';
import { scopeOf } from '../model/scope.ts';
import type { Definition } from '../rule-definition.ts';
import { movesOf } from '../triggers/moves.ts';
import type { TriggerInput } from '../triggers/trigger.ts';
import { attend } from './attention.ts';
import type { Context } from './context.ts';
import { type Program, programOf } from './program.ts';

const TERMINAL = new Set(['confirmed', 'failed', 'expired', 'superseded']);

/** How often a rule says that it was left out, ms. */
const LEFT_OUT_MS = 60_000;

/** Whether a change concerns the rule: what it moves, as the event of its next turn. */
export function onObserved(
  context: Context,
  seen: Observation,
  facts: () => Facts,
): EventData | null {
  const { definition, enabled, memory } = context;
  if (!definition || !enabled) return null;
  const { twin, turn } = seen;
  try {
    const looked = attend(seen, (budget) => look(context, definition, { seen, facts, budget }));
    if (looked) return looked.found;
    const isSaid = seen.receivedAt < (memory.leftOutAt ?? -LEFT_OUT_MS) + LEFT_OUT_MS;
    return isSaid ? null : { type: 'observed', twin, turn, leftOut: true };
  } catch (thrown) {
    if (!(thrown instanceof BudgetExceeded)) throw thrown;
    return { type: 'observed', twin, turn, exceeded: `triggers: ${thrown.reason}` };
  }
}

function look(
  context: Context,
  definition: Definition,
  around: Pick<TriggerInput, 'seen' | 'facts' | 'budget'>,
): EventData | null {
  const { memory, timezone } = context;
  const { seen } = around;
  const program = programOf(definition);
  const input: TriggerInput = { ...around, timezone, readsAfter: program.readsAfter };
  const isOverrun = memory.stormSince !== null && budgetAt(memory, seen.receivedAt) <= 0;
  const moves = movesOf(program.triggers, memory.triggers, input).filter(
    // What could not start anyway is not worth a turn each time
    ({ move }) => !(isOverrun && move === 'fires'),
  );
  const waits = memory.runs.flatMap((run) => waitsOf(program, run, input));
  const outcomes = memory.runs.flatMap((run) => outcomesOf(run, context, seen));
  const moved = seen.twin === HOME_TWIN && hasMoved(seen) && program.needsPlace;
  if (moves.length + waits.length + outcomes.length === 0 && !moved) return null;
  return {
    type: 'observed',
    twin: seen.twin,
    turn: seen.turn,
    ...(moves.length > 0 && { moves: moves as unknown as JsonObject[] }),
    ...(waits.length > 0 && { waits: waits as unknown as JsonObject[] }),
    ...(outcomes.length > 0 && { outcomes }),
    ...(moved && { moved }),
  };
}

function waitsOf(program: Program, run: Run, input: TriggerInput) {
  const { seen, facts, timezone, budget } = input;
  return run.threads.flatMap((thread) => {
    budget.spend(1);
    const awaits = program.instructions[thread.at]?.awaits;
    if (thread.waiting?.type !== 'wait' || !awaits) return [];
    const moves = movesOf(awaits.triggers, thread.waiting.memory, input);
    const { hit, vars } = run;
    const scope = () =>
      scopeOf({ facts: facts(), hit, vars, now: seen.receivedAt, timezone, budget });
    const until = awaits.until?.evaluate(scope());
    const isTrue = until?.ok === true && until.value === true;
    return moves.length > 0 || isTrue ? [{ run: run.id, thread: thread.id, moves, isTrue }] : [];
  });
}

function outcomesOf(run: Run, { home, twin }: Context, seen: Observation) {
  return run.threads.flatMap((thread: Thread) => {
    const { waiting } = thread;
    if (waiting?.type !== 'command') return [];
    return seen.intents
      .filter(
        ({ cause, status }) => TERMINAL.has(status) && isAskedBy(cause, home, twin, waiting.ref),
      )
      .map(({ status, error }) => ({
        run: run.id,
        thread: thread.id,
        status,
        ...(error && { error }),
      }));
  });
}

function isAskedBy(cause: string, home: string, twin: string, ref: string): boolean {
  return cause.startsWith(`${home}/${twin}@`) && cause.endsWith(`~${ref}`);
}

function hasMoved({ before, after: now }: Observation): boolean {
  return (
    before?.settings.latitude !== now.settings.latitude ||
    before?.settings.longitude !== now.settings.longitude
  );
}
