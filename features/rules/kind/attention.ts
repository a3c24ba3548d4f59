/** What the rules of a home may spend on finding out whether a change concerns them. */
import type { Observation } from '../../../engine/kind.ts';
import { Budget, CHANGE_STEPS, OBSERVE_LIMITS } from '../expressions/budget.ts';

/** Steps that have been spent on a change, by all rules that were asked about it. */
const spent = new WeakMap<Observation, number>();

/**
 * Lets one rule look at a change. What it gives is journaled as the event of the rule's turn, so replay does not
 * depend on who was asked before it.
 * @returns null: the others have spent so much already that this one is not asked
 * @throws BudgetExceeded
 */
export function attend<T>(seen: Observation, look: (budget: Budget) => T): { found: T } | null {
  const before = spent.get(seen) ?? 0;
  // So that each that is asked may spend as much as any other, whatever the order
  if (before + OBSERVE_LIMITS.steps > CHANGE_STEPS) return null;
  const budget = new Budget(OBSERVE_LIMITS);
  try {
    return { found: look(budget) };
  } finally {
    spent.set(seen, before + budget.spentSteps);
  }
}
