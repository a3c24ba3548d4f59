/**
 * What a microstep does, apart from its actions: which states it leaves and enters, and where it leads. That depends on
 * the states alone, not on the twin, so it is worked out once for all twins.
 */
import {
  ancestorsOf,
  type Chart,
  type Configuration,
  defaultOf,
  type Entry,
  effectiveTargets,
  type History,
  isAtomic,
  isBelow,
  isHistory,
  type Node,
  type Plan,
  type Plans,
  type Transition,
} from './chart.ts';

/** A plan, and what history states remember after it: that is the twin's own, and in no plan that others use. */
export interface Planned {
  plan: Plan;
  history: History;
}

/** Plans that are kept of a configuration; regions that choose by themselves may come to many. */
const MAX_PLANS = 1_000;

/** @param selected enabled transitions, in document order */
export function planOf(
  chart: Chart,
  from: Configuration,
  history: History,
  selected: readonly Transition[],
): Planned {
  if (chart.hasHistory) return makePlan(chart, from, history, selected);
  let at: Plans = from.plans;
  for (const transition of selected) {
    let next = at.after.get(transition);
    if (!next) {
      next = { after: new Map() };
      at.after.set(transition, next);
    }
    at = next;
  }
  if (!at.plan) {
    at.plan = makePlan(chart, from, history, selected).plan;
    // What is forgotten is worked out again
    if (++from.plans.made >= MAX_PLANS) Object.assign(from.plans, { made: 0, after: new Map() });
  }
  return { plan: at.plan, history };
}

function makePlan(
  chart: Chart,
  from: Configuration,
  history: History,
  selected: readonly Transition[],
): Planned {
  const transitions = withoutConflicts(chart, from, history, selected);
  if (transitions.every(({ target }) => target === undefined || target.length === 0)) {
    const plan = { transitions, moves: false, exits: [], entries: [], next: from };
    return { plan, history };
  }
  const exits = [...exitsOf(chart, from, history, transitions)].sort((a, b) => b.order - a.order);
  const remembered = historyAfter(from, history, exits);
  const entries = new Entries(chart, remembered);
  for (const transition of transitions) entries.add(transition);
  const active = new Set(from.active);
  for (const node of exits) active.delete(node);
  const entered = entries.inOrder();
  for (const { node } of entered) active.add(node);
  const next = chart.configuration(active);
  const plan = { transitions, moves: true, exits, entries: entered, next };
  return { plan, history: remembered };
}

/** Of transitions that would leave the same state, keeps the innermost, else the first. */
function withoutConflicts(
  chart: Chart,
  from: Configuration,
  history: History,
  selected: readonly Transition[],
): readonly Transition[] {
  if (selected.length < 2) return selected;
  const exits = (transition: Transition) => exitsOf(chart, from, history, [transition]);
  const kept = new Set<Transition>();
  for (const candidate of selected) {
    const own = exits(candidate);
    const outer: Transition[] = [];
    let isPreempted = false;
    for (const other of kept) {
      if (!intersects(own, exits(other))) continue;
      if (isBelow(candidate.source as Node, other.source as Node)) outer.push(other);
      else {
        isPreempted = true;
        break;
      }
    }
    if (isPreempted) continue;
    for (const other of outer) kept.delete(other);
    kept.add(candidate);
  }
  return [...kept];
}

function exitsOf(
  chart: Chart,
  from: Configuration,
  history: History,
  transitions: readonly Transition[],
): Set<Node> {
  const exits = new Set<Node>();
  for (const transition of transitions) {
    if (!transition.target?.length) continue;
    const domain = chart.domainOf(transition, history);
    if (transition.reenter && domain && transition.source === domain) exits.add(domain);
    for (const node of from.nodes) if (isBelow(node, domain)) exits.add(node);
  }
  return exits;
}

function historyAfter(from: Configuration, history: History, exits: readonly Node[]): History {
  let remembered = history;
  for (const node of exits) {
    for (const child of Object.values(node.states)) {
      if (!isHistory(child)) continue;
      const states = from.nodes.filter((one) =>
        child.history === 'deep' ? isAtomic(one) && isBelow(one, node) : one.parent === node,
      );
      remembered = { ...remembered, [child.id]: states };
    }
  }
  return remembered;
}

/** Which states transitions enter, with the ancestors and default descendants that come along. */
class Entries {
  readonly #chart: Chart;
  readonly #history: History;
  readonly #nodes = new Set<Node>();
  /** Those whose initial transition's actions run. */
  readonly #byDefault = new Set<Node>();

  constructor(chart: Chart, history: History) {
    this.#chart = chart;
    this.#history = history;
  }

  /** Outermost first, in document order. */
  inOrder(): Entry[] {
    return [...this.#nodes]
      .sort((a, b) => a.order - b.order)
      .map((node) => ({
        node,
        initialActions: this.#byDefault.has(node) ? (node.initial?.actions ?? []) : [],
      }));
  }

  add(transition: Transition): void {
    const domain = this.#chart.domainOf(transition, this.#history);
    const source = transition.source as Node;
    for (const node of (transition.target ?? []) as readonly Node[]) {
      if (!isHistory(node) && (source !== node || source !== domain || transition.reenter)) {
        this.#nodes.add(node);
        this.#byDefault.add(node);
      }
      this.#descend(node);
    }
    for (const node of effectiveTargets(transition, this.#history)) {
      const ancestors = ancestorsOf(node, domain);
      if (domain?.type === 'parallel') ancestors.push(domain);
      this.#ascend(ancestors, !source.parent && transition.reenter ? undefined : domain);
    }
  }

  #descend(node: Node): void {
    if (isHistory(node)) {
      const remembered = this.#history[node.id];
      const targets = remembered ?? defaultOf(node);
      for (const target of targets) {
        this.#nodes.add(target);
        if (!remembered && node.parent && targets === node.parent.initial?.target) {
          this.#byDefault.add(node.parent);
        }
        this.#descend(target);
      }
      for (const target of targets) this.#ascend(ancestorsOf(target, node.parent), undefined);
    } else if (node.type === 'compound') {
      const [initial] = node.initial.target as readonly Node[];
      if (!initial) return;
      if (!isHistory(initial)) {
        this.#nodes.add(initial);
        this.#byDefault.add(initial);
      }
      this.#descend(initial);
      this.#ascend(ancestorsOf(initial, node), undefined);
    } else if (node.type === 'parallel') {
      for (const child of this.#chart.childrenOf(node)) {
        if (this.#holdsBelow(child)) continue;
        this.#nodes.add(child);
        this.#byDefault.add(child);
        this.#descend(child);
      }
    }
  }

  #ascend(ancestors: readonly Node[], domain: Node | undefined): void {
    for (const ancestor of ancestors) {
      if (!domain || isBelow(ancestor, domain)) this.#nodes.add(ancestor);
      if (ancestor.type !== 'parallel') continue;
      for (const child of this.#chart.childrenOf(ancestor)) {
        if (this.#holdsBelow(child)) continue;
        this.#nodes.add(child);
        this.#descend(child);
      }
    }
  }

  #holdsBelow(node: Node): boolean {
    for (const one of this.#nodes) if (isBelow(one, node)) return true;
    return false;
  }
}

function intersects(a: ReadonlySet<Node>, b: ReadonlySet<Node>): boolean {
  for (const node of a) if (b.has(node)) return true;
  return false;
}
