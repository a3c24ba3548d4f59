/** Which twins a rule has to do with. */
import { type Action, typeOf } from '../actions/index.ts';
import { programOf } from '../kind/program.ts';
import type { Definition } from '../rule-definition.ts';
import { twinsOf } from '../triggers/index.ts';

/** Twins that a rule names: that it hears, reads, or asks for something. */
export function twinsUsedBy(definition: Definition): ReadonlySet<string> {
  return new Set([
    ...definition.triggers.flatMap(twinsOf),
    ...programOf(definition).reads.map(({ twin }) => twin),
    ...definition.actions.flatMap(twinsOfAction),
  ]);
}

function twinsOfAction(action: Action): string[] {
  const { twins, nested } = typeOf(action);
  const inner = nested?.(action).flatMap(({ actions }) => actions) ?? [];
  return [...(twins?.(action) ?? []), ...inner.flatMap(twinsOfAction)];
}
