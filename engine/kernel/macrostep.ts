/**
 * One event folded into a statechart: the algorithm of SCXML as XState has it, on XState's own
 * definitions. XState's functions make a whole snapshot for each assignment and for each microstep;
 * this keeps one set of active states and one context, and makes a snapshot at the end. Equal in
 * result, pinned by kernel.test.ts and by the kinds suite.
 */
import type { StateValue } from 'xstate';
import type { EventData } from '../model/envelope.ts';
import type { Json, JsonObject } from '../model/json.ts';
import type { Chart, Choice, Configuration, History, Node, Plan, Transition } from './chart.ts';
import { collectInto, enqueue } from './enqueue.ts';
import { planOf } from './microstep-plan.ts';

/** What XState's action creators make, as far as a step needs it. */
interface Action {
  type?: string;
  name?: string;
  params?: unknown;
  assignment?: Assignment;
  collect?: unknown;
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
type Collect = (
  args: ActionArgs & { enqueue: typeof enqueue; check: (guard: unknown) => boolean },
  params: unknown,
) => void;
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

const NONE: readonly Transition[] = [];

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
  #given: ActionArgs | null = null;

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
      const eventless = restless ? this.#selectEventless(event) : NONE;
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
    const choice = this.#chart.choiceOf(this.#configuration, event.type);
    return choice ? this.#selectIn(choice, event) : NONE;
  }

  /** The inner state's transition before the outer's; of parallel regions each its own. */
  #selectIn({ inner, candidates }: Choice, event: EventData): readonly Transition[] {
    let selected = NONE;
    for (const below of inner) {
      const found = this.#selectIn(below, event);
      if (found.length > 0) selected = selected.length > 0 ? [...selected, ...found] : found;
    }
    if (selected.length > 0) return selected;
    for (const alone of candidates) {
      const { guard } = alone[0];
      if (!guard || this.#passes(guard, event)) return alone;
    }
    return NONE;
  }

  #selectEventless(event: EventData): readonly Transition[] {
    let selected: Transition[] | null = null;
    for (const transitions of this.#configuration.always) {
      for (const transition of transitions) {
        if (transition.guard !== undefined && !this.#passes(transition.guard, event)) continue;
        selected ??= [];
        if (!selected.includes(transition)) selected.push(transition);
        break;
      }
    }
    return selected ?? NONE;
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
    const args = this.#args(event);
    const params =
      inline || typeof guard === 'string' ? undefined : paramsOf(guard as Action, args);
    // and, or, not, stateIn look at the snapshot
    return 'check' in resolved
      ? Boolean(resolved.check?.(this, args, resolved))
      : Boolean(resolved(args, params));
  }

  // ── what they do ───────────────────────────────────────────────────────────────────────────

  #microstep(selected: readonly Transition[], event: EventData): void {
    if (selected.length === 0) return;
    const from = this.#configuration;
    const { plan, history } = planOf(this.#chart, from, this.historyValue, selected);
    for (const node of plan.exits) this.#do(node.exit, event);
    for (const { actions } of plan.transitions) this.#do(actions, event);
    if (!plan.moves) return;
    const completed = new Set<Node>();
    for (const [at, { node, initialActions }] of plan.entries.entries()) {
      this.#do(node.entry, event);
      this.#do(initialActions, event);
      if (node.type === 'final') {
        this.#finish(node, activeAfter(from, plan, at + 1), completed, event);
      }
    }
    if (this.#status === 'done') {
      for (const node of plan.next.nodes.toReversed()) this.#do(node.exit, event);
    }
    if (plan.next !== from || history !== this.historyValue) this.#changed = true;
    this.#configuration = plan.next;
    this.historyValue = history;
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

  /** One object for all that look at the same context and event. */
  #args(event: EventData): ActionArgs {
    const { context } = this;
    if (this.#given?.context !== context || this.#given.event !== event) {
      const { self, system } = this.#scope;
      this.#given = { context, event, self, system };
    }
    return this.#given;
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
    if (resolved.type === 'xstate.enqueueActions') {
      this.#do(this.#enqueued(resolved.collect as Collect, args, params), event);
      return;
    }
    const extra = { internalQueue: this.#queue };
    const [, asked, more] = resolved.resolve(this.#scope, this, args, params, resolved, extra);
    if (resolved.execute !== undefined && resolved.type !== undefined) {
      this.actions.push({ type: resolved.type, params: asked });
    }
    if (more) this.#do(more, event);
  }

  #enqueued(collect: Collect, args: ActionArgs, params: unknown): readonly unknown[] {
    const actions: unknown[] = [];
    const check = (guard: unknown) => this.#passes(guard, args.event);
    collectInto(actions, () => collect({ ...args, enqueue, check }, params));
    return actions;
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

/** The states that are active when the first so many have been entered. */
function activeAfter(from: Configuration, { exits, entries }: Plan, entered: number): Set<Node> {
  const active = new Set(from.active);
  for (const node of exits) active.delete(node);
  for (const { node } of entries.slice(0, entered)) active.add(node);
  return active;
}

function paramsOf(
  { params }: { params?: unknown },
  { context, event }: { context: JsonObject; event: EventData },
): unknown {
  return typeof params === 'function' ? params({ context, event }) : params;
}
