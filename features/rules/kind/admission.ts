/** A trigger has fired: whether a run begins. */
import { judge } from '../conditions/judge.ts';
import type { Test } from '../conditions/test.ts';
import type { Place } from '../language/place.ts';
import type { TriggerFiring } from '../model/memory.ts';
import type { RuleTurn } from './rule-turn.ts';
import type { Runs } from './runs.ts';

/** @param unconditionally whether the rule's conditions are left out */
export function admit(
  turn: RuleTurn,
  runs: Runs,
  hit: TriggerFiring,
  unconditionally = false,
): void {
  let place: Place = ['conditions'];
  try {
    if (!unconditionally) {
      for (const [at, test] of turn.program.conditions.entries()) {
        place = ['conditions', at];
        if (!isMet(turn, test, hit, place)) return;
      }
    }
    place = ['key'];
    startByMode(turn, runs, hit, keyOf(turn, hit));
  } catch (thrown) {
    const reason = turn.exceed(thrown, place);
    turn.ended.push({ outcome: 'failed', reason });
    turn.refuse(hit, reason);
  }
}

function isMet(turn: RuleTurn, test: Test, hit: TriggerFiring, place: Place): boolean {
  const verdict = judge(test, turn.scope(hit, {}), turn.moment.timezone);
  turn.trace.push({ type: 'condition', run: null, verdict, place });
  if (!verdict.isTrue) turn.refuse(hit, 'a condition was not true');
  return verdict.isTrue;
}

/** The runs of one key know nothing of those of another. */
function keyOf(turn: RuleTurn, hit: TriggerFiring): string {
  const keyed = turn.program.key?.evaluate(turn.scope(hit, {}));
  return keyed?.ok ? JSON.stringify(keyed.value) : '';
}

/** Lets a run begin, wait, or be refused, as the mode has it. */
function startByMode(turn: RuleTurn, runs: Runs, hit: TriggerFiring, key: string): void {
  const { mode, most } = turn.program.definition;
  const { memory } = turn;
  const same = memory.runs.filter((run) => run.key === key);
  switch (mode) {
    case 'single':
      if (same.length > 0) {
        turn.refuse(hit, 'it was running already (mode single)');
        return;
      }
      break;
    case 'restart':
      for (const run of same) runs.end(run, 'restarted');
      break;
    case 'queued':
      if (same.length > 0) {
        if (memory.queue.length >= most) {
          turn.refuse(hit, `${most} runs waited already (mode queued)`);
        } else memory.queue.push({ key, hit });
        return;
      }
      break;
    case 'parallel':
      if (same.length >= most) {
        turn.refuse(hit, `it ran ${most} times already (mode parallel)`);
        return;
      }
      break;
  }
  runs.start(hit, key);
}
