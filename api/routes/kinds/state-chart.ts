/** A machine read for showing: what its states and transitions are called. */
import type { AnyStateMachine } from 'xstate';

export type StateNode = AnyStateMachine['root'];
/** How XState holds a transition, as far as it is shown. */
export interface Transition {
  target?: readonly StateNode[] | undefined;
  guard?: unknown;
  actions: readonly unknown[];
  eventType: string;
  delay?: unknown;
  reenter: boolean;
}

/** What sets a transition off. */
export type Trigger =
  | { type: 'event'; event: string }
  | { type: 'after'; delay: string }
  | { type: 'always' }
  | { type: 'done' };

/** All transitions out of a state, in the order in which they are tried. */
export function transitionsOf(node: StateNode): { trigger: Trigger; transition: Transition }[] {
  const heard = [...node.transitions.values()].flatMap((group) => group as Transition[]);
  return [
    ...((node.always ?? []) as Transition[]).map((transition) => ({
      trigger: { type: 'always' } as const,
      transition,
    })),
    ...heard.map((transition) => ({ trigger: triggerOf(transition), transition })),
  ];
}

function triggerOf({ eventType, delay }: Transition): Trigger {
  if (eventType.startsWith('xstate.done.state.')) return { type: 'done' };
  if (!eventType.startsWith('xstate.after.')) return { type: 'event', event: eventType };
  return { type: 'after', delay: typeof delay === 'function' ? nameOf(delay) : String(delay) };
}

/** A guard in words: its name, or what it is composed of. */
export function guardText(guard: unknown): string {
  if (typeof guard === 'string') return guard;
  if (typeof guard === 'object' && guard !== null && 'type' in guard) return String(guard.type);
  if (typeof guard !== 'function') return 'guard';
  if ('stateValue' in guard) return `in ${JSON.stringify(guard.stateValue)}`;
  if (!('guards' in guard) || !Array.isArray(guard.guards)) return nameOf(guard);
  const parts = guard.guards.map(guardText);
  if (guard.name === 'not') return `not ${parts.join(' ')}`;
  return parts.join(guard.name === 'or' ? ' or ' : ' and ');
}

/** The names of actions; those that XState adds for `after` are none of the author's. */
export function actionNames(actions: readonly unknown[]): string[] {
  return actions.filter((action) => !isForAfter(action)).map(actionName);
}

function actionName(action: unknown): string {
  if (typeof action === 'string') return action;
  const { type } = action as { type?: unknown };
  return String(type ?? 'action').replace(/^xstate\./, '');
}

function isForAfter(action: unknown): boolean {
  if (typeof action !== 'function') return false;
  const { id, sendId } = action as { id?: unknown; sendId?: unknown };
  return String(id ?? sendId ?? '').startsWith('xstate.after.');
}

/** `guard`, `delay` and the like are the names that inline functions get from their place. */
function nameOf(inline: { name: string }): string {
  return inline.name === '' ? 'inline' : inline.name;
}
