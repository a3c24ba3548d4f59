/**
 * A machine's definition, read once: what a step would otherwise work out anew each time. Nothing
 * here depends on a twin.
 */
import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition, StateValue } from 'xstate';

export type Node = AnyStateNode;
export type Transition = AnyTransitionDefinition;
export type History = Readonly<Record<string, readonly Node[]>>;

/** States that are active together. One object for all twins that are in them. */
export interface Configuration {
  /** The states, in document order. */
  nodes: readonly Node[];
  active: ReadonlySet<Node>;
  value: StateValue;
  /** Per atomic state: its `always` transitions and its ancestors', innermost first; states without are left out. */
  always: readonly (readonly Transition[])[];
  /** What each choice of transitions does in these states (microstep-plan.ts). */
  plans: Plans & { made: number };
  /** Which transitions there are for an event, by its type; null: none. */
  choices: Map<string, Choice | null>;
}

/** The transitions for an event in a state and in the active ones below it. */
export interface Choice {
  inner: readonly Choice[];
  /** The transitions in the order in which they are asked, each as what is selected with it alone. */
  candidates: readonly (readonly [Transition])[];
}

/** Configurations that are kept; a machine has few, but the product of its regions may be many. */
const MAX_CONFIGURATIONS = 10_000;

/** Types of events that are remembered of a configuration. */
const MAX_TYPES = 1_000;

export class Chart {
  readonly machine: AnyStateMachine;
  readonly #children = new Map<Node, readonly Node[]>();
  readonly #domains = new Map<Transition, Node | undefined>();
  readonly #configurations = new Map<string, Configuration>();
  /** Whether the machine has states that remember. */
  readonly hasHistory: boolean;

  constructor(machine: AnyStateMachine) {
    this.machine = machine;
    this.hasHistory = hasHistory(machine.root as Node);
  }

  /** Child states, without the history ones. */
  childrenOf(node: Node): readonly Node[] {
    let children = this.#children.get(node);
    if (!children) {
      children = Object.values(node.states).filter(({ type }) => type !== 'history');
      this.#children.set(node, children);
    }
    return children;
  }

  /** The transitions of a state for an event: those of exactly this type, then wildcards, longest first. */
  #candidates(node: Node, type: string): readonly Transition[] {
    const descriptors = [...node.transitions.keys()]
      .filter((descriptor) => descriptor !== type && matchesWildcard(type, descriptor))
      .sort((a, b) => b.length - a.length);
    return [type, ...descriptors].flatMap((descriptor) => node.transitions.get(descriptor) ?? []);
  }

  configuration(active: ReadonlySet<Node>): Configuration {
    const nodes = [...active].sort((a, b) => a.order - b.order);
    const key = nodes.map(({ order }) => order).join();
    let known = this.#configurations.get(key);
    if (!known) {
      if (this.#configurations.size >= MAX_CONFIGURATIONS) this.#forgetConfigurations();
      known = {
        nodes,
        active: new Set(nodes),
        value: this.#valueOf(this.machine.root, active) as StateValue,
        always: nodes.flatMap((node) => {
          if (!isAtomic(node)) return [];
          const all = [node, ...ancestorsOf(node)].flatMap(({ always }) => always ?? []);
          return all.length > 0 ? [all] : [];
        }),
        plans: { made: 0, after: new Map() },
        choices: new Map(),
      };
      this.#configurations.set(key, known);
    }
    return known;
  }

  /** Plans lead from one configuration to another: without an end twins in old ones would keep them all. */
  #forgetConfigurations(): void {
    for (const { plans } of this.#configurations.values()) plans.after.clear();
    this.#configurations.clear();
  }

  /** The transitions for an event of this type; null: there are none. */
  choiceOf({ active, choices }: Configuration, type: string): Choice | null {
    let choice = choices.get(type);
    if (choice === undefined) {
      choice = this.#choiceIn(this.machine.root as Node, active, type);
      if (choices.size >= MAX_TYPES) choices.clear();
      choices.set(type, choice);
    }
    return choice;
  }

  #choiceIn(node: Node, active: ReadonlySet<Node>, type: string): Choice | null {
    const inner = this.childrenOf(node).flatMap((child) => {
      const choice = active.has(child) ? this.#choiceIn(child, active, type) : null;
      return choice ? [choice] : [];
    });
    const candidates = this.#candidates(node, type).map((one) => [one] as const);
    return inner.length > 0 || candidates.length > 0 ? { inner, candidates } : null;
  }

  /** The state within which a transition happens; undefined: the machine as a whole is left and entered. */
  domainOf(transition: Transition, history: History): Node | undefined {
    const targets: readonly Node[] = transition.target ?? [];
    if (targets.some(isHistory)) return domain(transition, effectiveTargets(transition, history));
    if (!this.#domains.has(transition)) this.#domains.set(transition, domain(transition, targets));
    return this.#domains.get(transition);
  }

  #valueOf(node: Node, active: ReadonlySet<Node>): StateValue | Record<string, never> {
    const children = this.childrenOf(node).filter((child) => active.has(child));
    const [only] = children;
    if (node.type === 'compound' && only && isAtomic(only)) return only.key;
    return Object.fromEntries(children.map((child) => [child.key, this.#valueOf(child, active)]));
  }
}

function hasHistory(node: Node): boolean {
  return isHistory(node) || Object.values(node.states).some(hasHistory);
}

export function isAtomic({ type }: Node): boolean {
  return type === 'atomic' || type === 'final';
}

export function isHistory({ type }: Node): boolean {
  return type === 'history';
}

/** Whether `node` lies below `ancestor`; below undefined lies everything. */
export function isBelow(node: Node, ancestor: Node | undefined): boolean {
  let at: Node | undefined = node.parent;
  while (at !== undefined && at !== ancestor) at = at.parent;
  return at === ancestor;
}

/** The states above `node`, innermost first, up to but without `upTo`. */
export function ancestorsOf(node: Node, upTo?: Node): Node[] {
  const ancestors: Node[] = [];
  if (node === upTo) return ancestors;
  for (let at: Node | undefined = node.parent; at && at !== upTo; at = at.parent)
    ancestors.push(at);
  return ancestors;
}

/** Where a transition leads, with what history states stand for in their place. */
export function effectiveTargets(
  { target }: { target: readonly Node[] | undefined },
  history: History,
): Node[] {
  const targets = new Set<Node>();
  for (const node of target ?? []) {
    if (!isHistory(node)) targets.add(node);
    else {
      const remembered = history[node.id] ?? effectiveTargets({ target: defaultOf(node) }, history);
      for (const one of remembered) targets.add(one);
    }
  }
  return [...targets];
}

/** Where a history state leads that has nothing to remember. */
export function defaultOf(history: Node): readonly Node[] {
  const parent = history.parent as Node;
  const { target } = history.config as { target?: string | readonly string[] };
  if (target !== undefined) {
    return [target].flat().map((path) => nodeAt(parent, path));
  }
  return parent.type === 'parallel' ? [parent] : (parent.initial.target as readonly Node[]);
}

function nodeAt(from: Node, path: string): Node {
  if (path.startsWith('#')) return from.machine.getStateNodeById(path) as Node;
  return path.split('.').reduce((node: Node, key) => node.states[key] as Node, from);
}

function domain(transition: Transition, targets: readonly Node[]): Node | undefined {
  const source = transition.source as Node;
  if (!transition.reenter && targets.every((node) => node === source || isBelow(node, source))) {
    return source;
  }
  const [head, ...tail] = [...targets, source];
  const common = head && ancestorsOf(head).find((one) => tail.every((node) => isBelow(node, one)));
  if (common) return common;
  return transition.reenter ? undefined : (source.machine.root as Node);
}

/** `*` for all, `a.*` for `a` and what begins with `a.`. */
function matchesWildcard(type: string, descriptor: string): boolean {
  if (descriptor === '*') return true;
  if (!descriptor.endsWith('.*')) return false;
  const parts = descriptor.split('.');
  const typeParts = type.split('.');
  for (const [at, part] of parts.entries()) {
    const given = typeParts[at];
    if (part === '*') return at === parts.length - 1;
    if (part !== given) return false;
  }
  return true;
}

export interface Plan {
  /** Those of the selected that are taken. */
  transitions: readonly Transition[];
  /** False: no state is left or entered. */
  moves: boolean;
  /** States that are left, innermost first. */
  exits: readonly Node[];
  /** States that are entered, outermost first. */
  entries: readonly Entry[];
  next: Configuration;
}

export interface Entry {
  node: Node;
  /** The actions of its initial transition, where that is taken. */
  initialActions: readonly unknown[];
}

/** Plans by the transitions that are selected, one after another. */
export interface Plans {
  plan?: Plan;
  after: Map<Transition, Plans>;
}
