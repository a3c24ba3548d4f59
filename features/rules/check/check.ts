/** What is wrong with a rule among the twins and the other rules of its home. */
import { type Action, typeOf } from '../actions/index.ts';
import { Checker } from '../checker/checker.ts';
import type { Place } from '../language/place.ts';
import { type Locate, located, type Problem } from '../language/problem.ts';
import type { Definition } from '../rule-definition.ts';
import { checkTrigger } from '../triggers/index.ts';
import type { HomeSnapshot } from './home-snapshot.ts';
import { interplay } from './interplay.ts';
import { flawsOfSize } from './size.ts';

/** All problems of a rule, in the order of its text. */
export function checkRule(
  definition: Definition,
  home: HomeSnapshot,
  locate: Locate = () => undefined,
): Problem[] {
  const flaws = flawsOfSize(definition);
  if (flaws.length > 0) return flaws;
  const problems = [...problemsAmong(definition, home), ...interplay(definition, home)];
  return problems
    .map((problem) => located(problem, locate))
    .sort((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0));
}

function problemsAmong(definition: Definition, home: HomeSnapshot): Problem[] {
  const { triggers, conditions, key, actions } = definition;
  const checker = new Checker(home);
  for (const [at, trigger] of triggers.entries()) checkTrigger(trigger, checker, ['triggers', at]);
  for (const [at, condition] of conditions.entries())
    checker.condition(condition, ['conditions', at]);
  if (key !== undefined) checker.expression(key, ['key'], null);
  checkActions(actions, checker, ['actions']);
  return checker.problems;
}

function checkActions(actions: readonly Action[], checker: Checker, place: Place): void {
  for (const [at, action] of actions.entries()) {
    const here = [...place, at];
    const { check, nested, isLast } = typeOf(action);
    check?.(action, checker, here);
    for (const inner of nested?.(action) ?? [])
      checkActions(inner.actions, checker, [...here, ...inner.place]);
    if (isLast && at < actions.length - 1) {
      checker.say('is never reached: the run has stopped', [...place, at + 1], 'warning');
    }
  }
}
