/** One turn of a rule under way: its memory, and what has come of it so far. */
import type { Effect, JsonObject } from '../../../engine/kind.ts';
import { BudgetExceeded } from '../expressions/budget.ts';
import type { Scope } from '../expressions/expression.ts';
import { type Place, pathOf } from '../language/place.ts';
import type { Memory, TriggerFiring } from '../model/memory.ts';
import { scopeOf } from '../model/scope.ts';
import type { Program } from './program.ts';
import type { Ended, Moment, Reaction, Trace } from './reaction.ts';

/** What the engine does for each effect, in steps of an expression. */
const EFFECT_STEPS = 100;

export class RuleTurn implements Reaction {
  readonly program: Program;
  readonly moment: Moment;
  readonly memory: Memory;
  readonly effects: Effect[] = [];
  readonly trace: Trace[] = [];
  readonly ended: Ended[] = [];
  started = 0;
  exceeded: string | null = null;
  /** Instructions so far. */
  instructions = 0;

  constructor(program: Program, memory: Memory, moment: Moment) {
    this.program = program;
    this.moment = moment;
    // All of it is small, and nothing of the former state may change
    this.memory = structuredClone(memory);
  }

  /** What an action asks for; the first has been paid as the action's value, of the others each is a copy. @throws BudgetExceeded */
  ask(effects: readonly Effect[]): void {
    const { budget } = this.moment;
    for (const [at, effect] of effects.entries()) {
      if (at > 0) budget.make(budget.bytesOf(effect));
      budget.spend(EFFECT_STEPS);
      this.effects.push(effect);
    }
  }

  /** Sets a deadline at a moment (epoch ms). */
  arm(id: string, at: number): void {
    this.effects.push({ type: 'schedule', id, at, event: { type: 'due', what: id } });
  }

  disarm(id: string): void {
    this.effects.push({ type: 'unschedule', id });
  }

  refuse(hit: TriggerFiring, reason: string): void {
    this.trace.push({ type: 'refused', hit, reason });
  }

  scope(hit: TriggerFiring, vars: JsonObject): Scope {
    const { now, facts, timezone, budget } = this.moment;
    return scopeOf({ facts, hit, vars, now, timezone, budget });
  }

  /** The turn has cost too much: whatever is to go on ends here. @returns why, with its place */
  exceed(thrown: unknown, place: Place): string {
    if (!(thrown instanceof BudgetExceeded)) throw thrown;
    const reason = `${pathOf(place)}: ${thrown.reason}`;
    this.exceeded ??= reason;
    return reason;
  }
}
