/** The clocks of a rule: set when it begins, and when the home is somewhere else. */
import type { Effect } from '../../../engine/kind.ts';
import type { Memory } from '../model/memory.ts';
import { scopeOf } from '../model/scope.ts';
import type { Definition } from '../rule-definition.ts';
import { alarmIdsOf, alarmsOf, nextAlarmsOf, scheduleOf, waitPrefix } from '../triggers/alarms.ts';
import { typeOf } from '../triggers/index.ts';
import type { Context, Taken } from './context.ts';
import { type Program, programOf } from './program.ts';
import type { Moment } from './reaction.ts';
import type { RuleEvent } from './rule-events.ts';

/** A deadline that comes at once: with the facts that a new definition reads. */
const SETTLE = 'settle';

export function isSettling(event: RuleEvent): boolean {
  return event.type === 'due' && event.what === SETTLE;
}

export function settled({ enabled, definition }: Context, at: number): Effect[] {
  if (!enabled || !definition) return [];
  return [{ type: 'schedule', id: SETTLE, at, event: { type: 'due', what: SETTLE } }];
}

/** A rule begins: its clocks are armed, and expressions that are true already do not become true. @throws BudgetExceeded */
export function settle(context: Context, moment: Moment): Taken {
  const program = programOf(context.definition as Definition);
  const memory: Memory = { ...context.memory, triggers: { ...context.memory.triggers } };
  const scope = scopeOf(moment);
  for (const ready of program.triggers) {
    const remembered = typeOf(ready.trigger).begin?.(ready, scope);
    if (remembered) memory.triggers[String(ready.index)] = remembered;
  }
  return { context: { ...context, memory }, effects: armed(context, moment), trace: [] };
}

/** @throws BudgetExceeded */
export function armed({ definition, enabled, memory }: Context, moment: Moment): Effect[] {
  if (!definition || !enabled) return [];
  const { triggers, instructions } = programOf(definition);
  const alarms = triggers.flatMap((ready) => alarmsOf(ready, moment));
  for (const run of memory.runs) {
    for (const thread of run.threads) {
      const awaits = instructions[thread.at]?.awaits;
      if (thread.waiting?.type !== 'wait' || !awaits) continue;
      const prefix = waitPrefix(run, thread);
      alarms.push(...awaits.triggers.flatMap((ready) => alarmsOf(ready, moment, prefix)));
    }
  }
  return alarms.map(scheduleOf);
}

export function disarmed({ definition }: Context): Effect[] {
  if (!definition) return [];
  return programOf(definition)
    .triggers.flatMap((ready) => alarmIdsOf(ready))
    .map((id) => ({ type: 'unschedule', id }));
}

/** The next moment of a clock that has just fired and does not recur by itself. @throws BudgetExceeded */
export function rearmed(program: Program, event: RuleEvent, moment: Moment): Effect[] {
  if (event.type !== 'due') return [];
  const [what, index] = event.what.split(':');
  const ready = what === 'trigger' ? program.triggers[Number(index)] : undefined;
  return ready ? nextAlarmsOf(ready, event.late ?? 0, moment).map(scheduleOf) : [];
}
