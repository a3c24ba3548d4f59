/**
 * One event folded into a statechart: the algorithm of SCXML as XState has it, on XState's own
 * definitions. XState's functions make a whole snapshot for each assignment and for each microstep;
 * this keeps one set of active states and one context, and makes a snapshot at the end. Equal in
 * result, pinned by kernel.test.ts and by the kinds suite.
 */
import type { StateValue } from 'xstate';
import {
  ancestorsOf,
  type Chart,
  type Configuration,
  defaultOf,
  effectiveTargets,
  type History,
  isAtomic,
  isBelow,
  isHistory,
  type Node,
  type Transition,
} from './chart.ts';
import type { EventData } from './envelope.ts';
import type { Json, JsonObject } from './json.ts';

/** What XState's action creators make, as far as a step needs it. */
interface Action {
  type?: string;
  name?: string;
  params?: unknown;
  assignment?: Assignment;
  execute?: unknown;
  resolve?: (...args: unknown[]) => [unknown, unknown, readonly unknown[] | undefined];
}
type Assignment =
  | ((args: ActionArgs, params: unknown) => JsonObject)
  | Record<string, ((args: ActionArgs, params: unknown) => unknown) | unknown>;
interface ActionArgs {
  context: JsonObject;
  event: EventData;
  self: unknown;
  system: unknown;
}
interface Guard {
  (args: { context: JsonObject; event: EventData }, params: unknown): boolean;
  check?: (snapshot: unknown, args: unknown, guard: unknown) => boolean;
}

/** An action that is to be done, as XState names it. */
export interface AskedAction {
  type: string;
  params: unknown;
}

/** Given to actions where they expect the actor that they belong to. */
export interface Scope {
  self: unknown;
  system: unknown;
  /** Whether the second state value is in the first. */
  matches(wanted: StateValue, value: StateValue): boolean;
}

export interface Position {
  configuration: Configuration;
  context: JsonObject;
  historyValue: History;
  status: 'active' | 'done';
}

/** @throws Error what a guard or an action throws, or that the machine goes round in circles */
export function macrostep(
  chart: Chart,
  scope: Scope,
  from: Position,
  event: EventData,
  maxIterations: number,
): { position: Position; actions: AskedAction[] } {
  const run = new Macrostep(chart, scope, from);
  run.fold(event, maxIterations);
  return { position: run.position, actions: run.actions };
}

class Macrostep {
  readonly actions: AskedAction[] = [];
  /** Guards look at the machine through these three, as if this were XState's snapshot. */
  readonly machine: Chart['machine'];
  context: JsonObject;
  historyValue: History;
  readonly #chart: Chart;
  readonly #scope: Scope;
  readonly #queue: EventData[] = [];
  #configuration: Configuration;
  #status: Position['status'] = 'active';
  #changed = false;

  constructor(chart: Chart, scope: Scope, { configuration, context, historyValue }: Position) {
    this.machine = chart.machine;
    this.#chart = chart;
    this.#scope = scope;
    this.#configuration = configuration;
    this.context = context;
    this.historyValue = historyValue;
  }

  get position(): Position {
    return {
      configuration: this.#configuration,
      context: this.context,
      historyValue: this.historyValue,
      status: this.#status,
    };
  }
  get value(): Configuration['value'] {
    return this.#configuration.value;
  }
  get _nodes(): readonly Node[] {
    return this.#configuration.nodes;
  }
  matches(value: StateValue): boolean {
    return this.#scope.matches(value, this.#configuration.value);
  }

  fold(first: EventData, maxIterations: number): void {
    let event = first;
    this.#microstep(this.#select(event), event);
    // An `always` that changed nothing would be taken for ever
    let restless = true;
    for (let iterations = 1; this.#status === 'active'; iterations++) {
      if (iterations > maxIterations) {
        throw new Error(
          `Infinite loop: more than ${maxIterations} transitions follow from one event`,
        );
      }
      const eventless = restless ? this.#selectEventless(event) : [];
      if (eventless.length > 0) {
        this.#changed = false;
        this.#microstep(eventless, event);
        restless = this.#changed;
        continue;
      }
      const raised = this.#queue.shift();
      if (!raised) return;
      event = raised;
      this.#microstep(this.#select(event), event);
      restless = true;
    }
  }

  // ── which transitions ──────────────────────────────────────────────────────────────────────

  #select(event: EventData): readonly Transition[] {
    return this.#selectIn(this.machine.root as Node, event);
  }

  /** The inner state's transition before the outer's; of parallel regions each its own. */
  #selectIn(node: Node, event: EventData): readonly Transition[] {
    const { active } = this.#configuration;
    const children = this.#chart.childrenOf(node);
    let inner: readonly Transition[] = [];
    for (const child of children) {
      if (!active.has(child)) continue;
      const found = this.#selectIn(child, event);
      if (found.length > 0) inner = inner.length > 0 ? [...inner, ...found] : found;
    }
    if (inner.length > 0) return inner;
    for (const candidate of this.#chart.candidates(node, event.type)) {
      if (!candidate.guard || this.#passes(candidate.guard, event)) return [candidate];
    }
    return [];
  }

  #selectEventless(event: EventData): readonly Transition[] {
    const enabled = new Set<Transition>();
    for (const transitions of this.#configuration.always) {
      for (const transition of transitions) {
        if (transition.guard === undefined || this.#passes(transition.guard, event)) {
          enabled.add(transition);
          break;
        }
      }
    }
    return this.#withoutConflicts([...enabled]);
  }

  #passes(guard: unknown, event: EventData): boolean {
    const inline = typeof guard === 'function';
    const name = typeof guard === 'string' ? guard : (guard as { type: string }).type;
    const resolved = (inline ? guard : this.machine.implementations.guards[name]) as
      | Guard
      | undefined;
    if (!resolved) throw new Error(`there is no guard "${name}"`);
    // A guard that is another guard's name
    if (typeof resolved !== 'function') return this.#passes(resolved, event);
    const args = { context: this.context, event };
    const params =
      inline || typeof guard === 'string' ? undefined : paramsOf(guard as Action, args);
    // and, or, not, stateIn look at the snapshot
    return 'check' in resolved
      ? Boolean(resolved.check?.(this, args, resolved))
      : Boolean(resolved(args, params));
  }

  /** Of transitions that would leave the same state the innermost is taken, else the first. */
  #withoutConflicts(transitions: readonly Transition[]): readonly Transition[] {
    if (transitions.length < 2) return transitions;
    const kept = new Set<Transition>();
    for (const candidate of transitions) {
      const exits = this.#exitsOf([candidate]);
      const outer: Transition[] = [];
      let isPreempted = false;
      for (const other of kept) {
        if (!intersects(exits, this.#exitsOf([other]))) continue;
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

  // ── what they do ───────────────────────────────────────────────────────────────────────────

  #microstep(selected: readonly Transition[], event: EventData): void {
    const transitions = this.#withoutConflicts(selected);
    if (transitions.every(({ target }) => target === undefined || target.length === 0)) {
      for (const { actions } of transitions) this.#do(actions, event);
      return;
    }
    const active = new Set(this.#configuration.active);
    const history = this.#exit(transitions, active, event);
    for (const { actions } of transitions) this.#do(actions, event);
    this.#enter(transitions, active, history, event);
    const configuration = this.#chart.configuration(active);
    if (this.#status === 'done') {
      for (const node of configuration.nodes.toReversed()) this.#do(node.exit, event);
    }
    if (configuration !== this.#configuration || history !== this.historyValue)
      this.#changed = true;
    this.#configuration = configuration;
    this.historyValue = history;
  }

  #exitsOf(transitions: readonly Transition[]): Set<Node> {
    const exits = new Set<Node>();
    for (const transition of transitions) {
      if (!transition.target?.length) continue;
      const domain = this.#chart.domainOf(transition, this.historyValue);
      if (transition.reenter && domain && transition.source === domain) exits.add(domain);
      for (const node of this.#configuration.nodes) if (isBelow(node, domain)) exits.add(node);
    }
    return exits;
  }

  /** @returns what history states remember from now on */
  #exit(transitions: readonly Transition[], active: Set<Node>, event: EventData): History {
    const exits = [...this.#exitsOf(transitions)].sort((a, b) => b.order - a.order);
    let history = this.historyValue;
    for (const node of exits) {
      for (const child of Object.values(node.states)) {
        if (!isHistory(child)) continue;
        const remembered = this.#configuration.nodes.filter((one) =>
          child.history === 'deep' ? isAtomic(one) && isBelow(one, node) : one.parent === node,
        );
        history = { ...history, [child.id]: remembered };
      }
    }
    for (const node of exits) {
      this.#do(node.exit, event);
      active.delete(node);
    }
    return history;
  }

  #enter(
    transitions: readonly Transition[],
    active: Set<Node>,
    history: History,
    event: EventData,
  ): void {
    const entries = new Entries(this.#chart, history);
    for (const transition of transitions) entries.add(transition);
    const completed = new Set<Node>();
    for (const node of entries.inOrder()) {
      active.add(node);
      this.#do(node.entry, event);
      if (entries.isByDefault(node)) this.#do(node.initial?.actions ?? [], event);
      if (node.type === 'final') this.#finish(node, active, completed, event);
    }
  }

  /** A final state has been entered: its parent is done, and so may be what is above. */
  #finish(node: Node, active: ReadonlySet<Node>, completed: Set<Node>, event: EventData): void {
    const { parent } = node;
    if (parent?.type === 'compound') {
      const output: unknown = node.output;
      const said = (typeof output === 'function' ? output(this.#args(event)) : output) as Json;
      this.#queue.push({ type: `xstate.done.state.${parent.id}`, output: said });
    }
    let above: Node | undefined = parent?.type === 'parallel' ? parent : parent?.parent;
    while (above?.type === 'parallel' && !completed.has(above) && this.#isFinal(above, active)) {
      completed.add(above);
      this.#queue.push({ type: `xstate.done.state.${above.id}` });
      above = above.parent;
    }
    if (above === undefined) this.#status = 'done';
  }

  #isFinal(node: Node, active: ReadonlySet<Node>): boolean {
    const children = this.#chart.childrenOf(node);
    if (node.type === 'compound') {
      return children.some((child) => child.type === 'final' && active.has(child));
    }
    if (node.type === 'parallel') return children.every((child) => this.#isFinal(child, active));
    return node.type === 'final';
  }

  // ── actions ────────────────────────────────────────────────────────────────────────────────

  #args(event: EventData): ActionArgs {
    return { context: this.context, event, self: this.#scope.self, system: this.#scope.system };
  }

  #do(actions: readonly unknown[], event: EventData): void {
    for (const action of actions) this.#doOne(action, event);
  }

  #doOne(action: unknown, event: EventData): void {
    const inline = typeof action === 'function';
    const name = typeof action === 'string' ? action : (action as Action).type;
    const resolved = (inline ? action : this.machine.implementations.actions[name ?? '']) as
      | Action
      | undefined;
    const args = this.#args(event);
    const params =
      inline || typeof action === 'string' ? undefined : paramsOf(action as Action, args);
    if (!resolved || typeof resolved.resolve !== 'function') {
      // A function of somebody's own: the kernel refuses it
      const type = name ?? (action as Action).name ?? '(anonymous)';
      this.actions.push({ type, params });
      return;
    }
    if (resolved.type === 'xstate.assign') {
      this.#assign(resolved.assignment as Assignment, args, params);
      return;
    }
    const extra = { internalQueue: this.#queue };
    const [, asked, more] = resolved.resolve(this.#scope, this, args, params, resolved, extra);
    if (resolved.execute !== undefined && resolved.type !== undefined) {
      this.actions.push({ type: resolved.type, params: asked });
    }
    if (more) this.#do(more, event);
  }

  #assign(assignment: Assignment, args: ActionArgs, params: unknown): void {
    this.#changed = true;
    if (typeof assignment === 'function') {
      this.context = { ...this.context, ...assignment(args, params) };
      return;
    }
    const context: Record<string, unknown> = { ...this.context };
    for (const key of Object.keys(assignment)) {
      const value = assignment[key];
      context[key] = typeof value === 'function' ? value(args, params) : value;
    }
    this.context = context as JsonObject;
  }
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

  inOrder(): Node[] {
    return [...this.#nodes].sort((a, b) => a.order - b.order);
  }

  isByDefault(node: Node): boolean {
    return this.#byDefault.has(node);
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

function paramsOf(
  { params }: { params?: unknown },
  { context, event }: { context: JsonObject; event: EventData },
): unknown {
  return typeof params === 'function' ? params({ context, event }) : params;
}

function intersects(a: ReadonlySet<Node>, b: ReadonlySet<Node>): boolean {
  for (const node of a) if (b.has(node)) return true;
  return false;
}
