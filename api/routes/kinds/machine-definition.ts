import type { Json, JsonObject } from '../../../engine/index.ts';
import {
  actionNames,
  guardText,
  type StateNode,
  type Transition,
  type Trigger,
  transitionsOf,
} from './state-chart.ts';

/**
 * A machine as an XState configuration in JSON: guards and actions by name, targets by id. It can be
 * pasted into `createMachine` or a viewer.
 */
export function machineDefinition(root: StateNode): JsonObject {
  return { id: root.id, ...stateDefinition(root) };
}

function stateDefinition(node: StateNode): JsonObject {
  const entry = actionNames(node.entry);
  const exit = actionNames(node.exit);
  const initial = node.initial?.target[0];
  const states = Object.values(node.states) as StateNode[];
  return {
    ...(node.type !== 'atomic' && node.type !== 'compound' && { type: node.type }),
    ...(node.description !== undefined && { description: node.description }),
    ...(initial && node.type === 'compound' && { initial: initial.key }),
    ...(node.type === 'history' && { history: node.history || 'shallow' }),
    ...(node.tags.length > 0 && { tags: [...node.tags] }),
    ...(entry.length > 0 && { entry }),
    ...(exit.length > 0 && { exit }),
    ...transitionDefinitions(node),
    ...(states.length > 0 && {
      states: Object.fromEntries(states.map((child) => [child.key, stateDefinition(child)])),
    }),
  };
}

function transitionDefinitions(node: StateNode): JsonObject {
  const on: Record<string, Json[]> = {};
  const after: Record<string, Json[]> = {};
  const always: Json[] = [];
  const onDone: Json[] = [];
  for (const { trigger, transition } of transitionsOf(node)) {
    listFor(trigger).push(transitionDefinition(transition));
  }
  return {
    ...(Object.keys(on).length > 0 && { on }),
    ...(Object.keys(after).length > 0 && { after }),
    ...(always.length > 0 && { always }),
    ...(onDone.length > 0 && { onDone }),
  };

  function listFor(trigger: Trigger): Json[] {
    switch (trigger.type) {
      case 'event':
        on[trigger.event] ??= [];
        return on[trigger.event] as Json[];
      case 'after':
        after[trigger.delay] ??= [];
        return after[trigger.delay] as Json[];
      case 'always':
        return always;
      case 'done':
        return onDone;
    }
  }
}

function transitionDefinition({ target, guard, actions, reenter }: Transition): JsonObject {
  const names = actionNames(actions);
  const [first, ...others] = (target ?? []).map(({ id }) => `#${id}`);
  return {
    ...(first !== undefined && { target: others.length > 0 ? [first, ...others] : first }),
    ...(guard !== undefined && { guard: guardText(guard) }),
    ...(names.length > 0 && { actions: names }),
    ...(reenter && { reenter }),
  };
}
