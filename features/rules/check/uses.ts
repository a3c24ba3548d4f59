/** Which twins a rule has to do with. */
import { programOf } from '../kind/program.ts';
import type { Action, Definition, Trigger } from '../language/definition.ts';

/** Twins that a rule names: that it hears, reads, or asks for something. */
export function twinsUsedBy(definition: Definition): ReadonlySet<string> {
  return new Set([
    ...definition.triggers.flatMap(ofTrigger),
    ...programOf(definition).reads.map(({ twin }) => twin),
    ...definition.actions.flatMap(ofAction),
  ]);
}

function ofTrigger(trigger: Trigger): string[] {
  const { twin = [], room } = trigger as { twin?: string[]; room?: string };
  return [...twin, ...(room === undefined ? [] : [room])];
}

function ofAction(action: Action): string[] {
  switch (action.type) {
    case 'set':
    case 'release':
    case 'command':
    case 'send':
      return [action.twin].flat();
    case 'scene':
      return [action.scene];
    case 'wait':
      return action.for.flatMap(ofTrigger);
    case 'if':
      return [...action.then, ...action.else].flatMap(ofAction);
    case 'choose':
      return [...action.branches.flatMap((branch) => branch.do), ...action.otherwise].flatMap(
        ofAction,
      );
    case 'repeat':
      return action.do.flatMap(ofAction);
    case 'parallel':
      return action.branches.flat().flatMap(ofAction);
    default:
      return [];
  }
}
