/**
 * The only file that calls XState, and the door to what folds events in its place. A step is a pure
 * function of kind, snapshot and event; what the machine asks for comes back as data.
 *
 * XState makes the machine, its first snapshot and, for a state value not met before, the states that it
 * stands for. Events are folded by macrostep.ts on the same definitions, several times faster and equal in
 * result: kernel.test.ts and the kinds suite hold it against XState's `transition()`.
 */
import {
  type AnyActorScope,
  type AnyMachineSnapshot,
  type AnyStateMachine,
  createActor,
  matchesState,
  type StateValue,
} from 'xstate';
import type { AnyEffect } from '../model/effect.ts';
import type { EventData } from '../model/envelope.ts';
import { EngineError, messageOf } from '../model/errors.ts';
import type { Json, JsonObject } from '../model/json.ts';
import type { AnyKind, KindInput } from '../model/kind.ts';
import { Chart, type Configuration, type History, type Node } from './chart.ts';
import { jsonFlaw } from './kind-check.ts';
import { type AskedAction, macrostep, type Position, type Scope } from './macrostep.ts';

/** A machine's state; immutable. Twins in the same states share the value. */
export interface Snapshot {
  readonly value: StateValue;
  readonly context: JsonObject;
  readonly historyValue: History;
  readonly configuration: Configuration;
}

/** What a step asked for, in order. */
export type StepAction =
  | { type: 'emit'; effect: AnyEffect }
  | { type: 'arm'; id: string; event: EventData; delayMs: number }
  | { type: 'cancel'; id: string };

export interface Step {
  snapshot: Snapshot;
  actions: StepAction[];
}

/** The machine's part of a stored twin. */
export interface StoredMachine {
  value: StateValue;
  historyValue: Json;
  context: JsonObject;
}

/** Microsteps in one step; beyond it the machine is in a loop. */
const MAX_MICROSTEPS = 1_000;

interface Prepared {
  chart: Chart;
  scope: AnyActorScope & Scope;
  /** What XState has asked for; emptied before each start. */
  collected: AskedAction[];
  /** Keyed by the text of the state value, for twins that come from the store. */
  configurations: Map<string, Configuration>;
}

/** State values that are remembered; beyond it they are worked out anew. */
const MAX_VALUES = 10_000;

const prepared = new WeakMap<AnyKind, Prepared>();

/** The first step: initial state, entry actions and timers. @throws EngineError `machine-failed` */
export function begin(kind: AnyKind, input: KindInput): Step {
  const ready = prepare(kind);
  ready.collected = [];
  let first: AnyMachineSnapshot;
  try {
    first = ready.chart.machine.getInitialSnapshot(ready.scope, input) as AnyMachineSnapshot;
  } catch (cause) {
    throw failed(kind, 'its start', cause);
  }
  if (first.status === 'error') throw failed(kind, 'its start', first.error);
  const flaw = jsonFlaw(first.context, 'context');
  if (flaw !== null) throw failed(kind, 'its start', new Error(flaw));
  return {
    snapshot: snapshotOf(ready.chart, first),
    actions: ready.collected.flatMap((action) => translate(kind, action)),
  };
}

/** One event folded into a machine. @throws EngineError `machine-failed`; then nothing has changed */
export function step(kind: AnyKind, snapshot: Snapshot, event: EventData & { at: number }): Step {
  const { chart, scope } = prepare(kind);
  const limit = chart.machine.options.maxIterations ?? MAX_MICROSTEPS;
  const from: Position = { ...snapshot, status: 'active' };
  let reached: ReturnType<typeof macrostep>;
  try {
    reached = macrostep(chart, scope, from, event, limit);
  } catch (cause) {
    throw failed(kind, `event "${event.type}"`, cause);
  }
  const { configuration, context, historyValue } = reached.position;
  const actions: StepAction[] = [];
  for (const action of reached.actions) actions.push(...translate(kind, action));
  return {
    snapshot: { configuration, context, historyValue, value: configuration.value },
    actions,
  };
}

/**
 * A stored machine brought back to life. Entry actions do not run again.
 * @throws EngineError `state-unreadable` for a state value that the machine does not have
 */
export function restore(kind: AnyKind, stored: StoredMachine): Snapshot {
  const { chart, scope, configurations } = prepare(kind);
  const remembersNothing = Object.keys(stored.historyValue ?? {}).length === 0;
  const text = JSON.stringify(stored.value);
  const known = remembersNothing ? configurations.get(text) : undefined;
  if (known) {
    const { value } = known;
    return { configuration: known, value, context: stored.context, historyValue: {} };
  }
  let restored: AnyMachineSnapshot;
  try {
    restored = chart.machine.restoreSnapshot(
      {
        status: 'active',
        output: undefined,
        error: undefined,
        value: stored.value,
        context: stored.context,
        historyValue: stored.historyValue ?? {},
        children: {},
      } as unknown as AnyMachineSnapshot,
      scope,
    ) as AnyMachineSnapshot;
  } catch (cause) {
    throw new EngineError(
      'state-unreadable',
      `state ${text} does not exist in kind "${kind.kind}" version ${kind.version}: ${messageOf(cause)}`,
      {
        hint: 'The kind has changed without a migration: raise its version and add `migrate`.',
        cause,
      },
    );
  }
  const snapshot = snapshotOf(chart, restored);
  if (configurations.size >= MAX_VALUES) configurations.clear();
  configurations.set(text, snapshot.configuration);
  return snapshot;
}

/** The part of a snapshot that is stored. */
export function persist({ value, historyValue, context }: Snapshot): StoredMachine {
  const history: JsonObject = {};
  for (const key in historyValue) {
    history[key] = (historyValue[key] ?? []).map(({ id }) => ({ id }));
  }
  return { value, historyValue: history, context };
}

function snapshotOf(chart: Chart, given: AnyMachineSnapshot): Snapshot {
  const { _nodes: nodes } = given as unknown as { _nodes: readonly Node[] };
  const configuration = chart.configuration(new Set(nodes));
  return {
    configuration,
    value: configuration.value,
    context: given.context as JsonObject,
    historyValue: given.historyValue as History,
  };
}

function prepare(kind: AnyKind): Prepared {
  const existing = prepared.get(kind);
  if (existing) return existing;
  const machine = kind.machine as AnyStateMachine;
  machine.options.maxIterations ??= MAX_MICROSTEPS;
  if (!Number.isFinite(machine.options.maxIterations))
    machine.options.maxIterations = MAX_MICROSTEPS;
  // Never started: guards and assigns receive it as `self`, nothing ever runs in it
  const self = createActor(machine, {
    input: { home: 'home', twin: 'twin', at: 0, timezone: 'UTC' } satisfies KindInput,
  });
  const ready: Prepared = {
    chart: new Chart(machine),
    collected: [],
    configurations: new Map(),
    scope: {
      self,
      id: '',
      sessionId: '',
      system: self.system,
      logger: () => {},
      defer: () => {},
      stopChild: () => {},
      emit: () => {},
      actionExecutor: (action: AskedAction) => {
        ready.collected.push(action);
      },
      matches: matchesState,
    } as unknown as AnyActorScope & Scope,
  };
  prepared.set(kind, ready);
  return ready;
}

function failed(kind: AnyKind, on: string, cause: unknown): EngineError {
  return new EngineError(
    'machine-failed',
    `the machine of kind "${kind.kind}" failed on ${on}: ${messageOf(cause)}`,
    { hint: 'A bug in the kind; the twin is as it was before. Mend the kind, then retry.', cause },
  );
}

function translate(kind: AnyKind, { type, params }: AskedAction): StepAction[] {
  switch (type) {
    case 'xstate.emit':
      return [{ type: 'emit', effect: (params as { event: AnyEffect }).event }];
    case 'xstate.raise': {
      const { event, id, delay } = params as { event: EventData; id?: string; delay?: number };
      // Without a delay XState has folded it within this step
      if (delay === undefined) return [];
      return [{ type: 'arm', id: id ?? event.type, event, delayMs: delay }];
    }
    case 'xstate.cancel':
      return [{ type: 'cancel', id: (params as { sendId: string }).sendId }];
    case 'xstate.log':
      return [];
    default:
      throw failed(
        kind,
        'an action',
        new Error(`"${type}" is not assign, emit, raise, cancel, enqueueActions or log`),
      );
  }
}
