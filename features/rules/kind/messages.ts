/** What reaches a rule from outside, without a twin: which triggers it moves. Pure. */
import type { Facts, Json } from '../../../engine/kind.ts';
import type { Budget } from '../expressions/budget.ts';
import type { Memory, TriggerFiring } from './memory.ts';
import type { Program, ReadyTrigger } from './program.ts';
import type { RunInput } from './runs.ts';
import { scopeOf } from './scope.ts';

/** The rule's own events of that sort, as its kind declares them. */
export type Message = { at: number; facts?: Facts } & (
  | { type: 'webhook.called'; hook: string; body: Json }
  | { type: 'engine.started'; start: string }
);

interface Around {
  timezone: string;
  budget: Budget;
}

/** A message sets off runs, and ends what runs wait for. @throws BudgetExceeded */
export function stimulusOfMessage(
  program: Program,
  { runs }: Memory,
  message: Message,
  around: Around,
): RunInput {
  const hears = (ready: ReadyTrigger) => hitOf(ready, message, around);
  const waits = runs.flatMap((run) =>
    run.threads.flatMap((thread) => {
      around.budget.spend(1);
      const instruction = program.instructions[thread.at];
      if (thread.waiting?.type !== 'wait' || instruction?.op !== 'wait') return [];
      const moves = instruction.triggers.flatMap((ready) => {
        const hit = hears(ready);
        return hit ? [{ key: String(ready.index), move: 'fires' as const, hit }] : [];
      });
      return moves.length > 0 ? [{ run: run.id, thread: thread.id, moves, isTrue: false }] : [];
    }),
  );
  const hits = program.triggers.flatMap((ready) => {
    const hit = hears(ready);
    return hit ? [{ hit }] : [];
  });
  return { waits, hits };
}

/** Null: the trigger is about something else, or its `where` is not true. */
function hitOf(
  ready: ReadyTrigger,
  message: Message,
  { timezone, budget }: Around,
): TriggerFiring | null {
  budget.spend(1);
  const said = saidTo(ready, message);
  if (!said) return null;
  const { index, id, trigger, expression } = ready;
  const { at, facts = {} } = message;
  const hit: TriggerFiring = { trigger: index, id, type: trigger.type, at, ...said };
  if (!expression) return hit;
  const evaluated = expression.evaluate(scopeOf({ facts, hit, now: at, timezone, budget }));
  return evaluated.ok && evaluated.value === true ? hit : null;
}

function saidTo({ trigger }: ReadyTrigger, message: Message): Partial<TriggerFiring> | null {
  switch (message.type) {
    case 'webhook.called':
      if (trigger.type !== 'webhook' || trigger.webhook !== message.hook) return null;
      return { body: message.body };
    case 'engine.started':
      return trigger.type === 'start' ? {} : null;
  }
}
