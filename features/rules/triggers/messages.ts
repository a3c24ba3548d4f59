/** What reaches a rule from outside, without a twin: which triggers it sets off. Pure. */
import type { Budget } from '../expressions/budget.ts';
import type { TriggerFiring } from '../model/memory.ts';
import { scopeOf } from '../model/scope.ts';
import { typeOf } from './index.ts';
import type { Message, ReadyTrigger } from './trigger.ts';

/** Null: the trigger is about something else, or its `where` is not true. @throws BudgetExceeded */
export function firingByMessage(
  { index, id, trigger, expression }: ReadyTrigger,
  message: Message,
  { timezone, budget }: { timezone: string; budget: Budget },
): TriggerFiring | null {
  budget.spend(1);
  const heard = typeOf(trigger).hear?.(trigger, message);
  if (!heard) return null;
  const { at, facts = {} } = message;
  const hit: TriggerFiring = { trigger: index, id, type: trigger.type, at, ...heard };
  if (!expression) return hit;
  const evaluated = expression.evaluate(scopeOf({ facts, hit, now: at, timezone, budget }));
  return evaluated.ok && evaluated.value === true ? hit : null;
}
