import { type Facts, type JsonObject, localTime } from '../../../engine/kind.ts';
import type { Budget } from '../expressions/budget.ts';
import type { Scope } from '../expressions/expression.ts';
import type { TriggerFiring } from './memory.ts';

/** What expressions of a rule see. */
export function scopeOf(given: {
  facts: Facts;
  hit?: TriggerFiring;
  vars?: JsonObject;
  /** Epoch ms. */
  now: number;
  timezone: string;
  budget: Budget;
}): Scope {
  const { facts, hit, vars = {}, now, timezone, budget } = given;
  return {
    now,
    budget,
    roots: {
      twins: facts,
      home: (facts.home?.reported ?? {}) as JsonObject,
      trigger: (hit ?? {}) as unknown as JsonObject,
      vars,
      // Asked for by few, and not for nothing
      get local() {
        const { weekday, minutes } = localTime(now, timezone);
        return { weekday, minutes, hour: Math.floor(minutes / 60), minute: minutes % 60 };
      },
    },
  };
}
