/**
 * The only file that calls XState. A step is a pure function of kind, snapshot and event; what the
 * machine asks for comes back as data.
 *
 * XState's own `transition()` builds a throw-away actor per call. The machine's method is called
 * directly instead, with one scope per kind whose `actionExecutor` collects actions: about five
 * times faster, and equal in result (pinned by kernel.test.ts).
 */
import {
  type AnyActorScope,
  type AnyMachineSnapshot,
  type AnyStateMachine,
  createActor,
  type StateValue,
} from 'xstate';
import type { AnyEffect } from './effect.ts';
import type { EventData } from './envelope.ts';
import { EngineError, messageOf } from './errors.ts';
import type { Json, JsonObject } from './json.ts';
import type { AnyKind, KindInput } from './kind.ts';
import { jsonFlaw } from './kind-check.ts';

/** A machine's state as XState holds it; immutable. */
export type Snapshot = AnyMachineSnapshot;

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
  machine: AnyStateMachine;
  scope: AnyActorScope;
  /** What the running step has collected; emptied before each. */
  collected: ExecutedAction[];
}
interface ExecutedAction {
  type: string;
  params: unknown;
}

const prepared = new WeakMap<AnyKind, Prepared>();

/** The first step: initial state, entry actions and timers. @throws EngineError `machine-failed` */
export function begin(kind: AnyKind, input: KindInput): Step {
  const ready = prepare(kind);
  const snapshot = run(kind, ready, () =>
    ready.machine.getInitialSnapshot(ready.scope, input),
  ) as Snapshot;
  if (snapshot.status === 'error') throw failed(kind, 'its start', snapshot.error);
  const flaw = jsonFlaw(snapshot.context, 'context');
  if (flaw !== null) throw failed(kind, 'its start', new Error(flaw));
  return { snapshot, actions: ready.collected.flatMap((action) => translate(kind, action)) };
}

/** One event folded into a machine. @throws EngineError `machine-failed`; then nothing has changed */
export function step(kind: AnyKind, snapshot: Snapshot, event: EventData & { at: number }): Step {
  const ready = prepare(kind);
  const next = run(kind, ready, () => ready.machine.transition(snapshot, event, ready.scope));
  if (next.status === 'error') throw failed(kind, `event "${event.type}"`, next.error);
  return { snapshot: next, actions: ready.collected.flatMap((action) => translate(kind, action)) };
}

/**
 * A stored machine brought back to life. Entry actions do not run again.
 * @throws EngineError `state-unreadable` for a state value that the machine does not have
 */
export function restore(kind: AnyKind, stored: StoredMachine): Snapshot {
  const { machine, scope } = prepare(kind);
  try {
    const restored = machine.restoreSnapshot(
      {
        status: 'active',
        output: undefined,
        error: undefined,
        value: stored.value,
        context: stored.context,
        historyValue: stored.historyValue ?? {},
        children: {},
      } as unknown as Snapshot,
      scope,
    ) as Snapshot;
    return inDocumentOrder(restored);
  } catch (cause) {
    throw new EngineError(
      'state-unreadable',
      `state ${JSON.stringify(stored.value)} does not exist in kind "${kind.kind}" version ${kind.version}: ${messageOf(cause)}`,
      {
        hint: 'The kind has changed without a migration: raise its version and add `migrate`.',
        cause,
      },
    );
  }
}

/** The part of a snapshot that is stored. */
export function persist(snapshot: Snapshot): StoredMachine {
  return {
    value: snapshot.value as StateValue,
    historyValue: persistHistory(snapshot.historyValue),
    context: snapshot.context as JsonObject,
  };
}

function persistHistory(history: Record<string, { id: string }[]> | undefined): Json {
  const stored: JsonObject = {};
  for (const [key, nodes] of Object.entries(history ?? {})) {
    stored[key] = nodes.map(({ id }) => ({ id }));
  }
  return stored;
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
    machine,
    collected: [],
    scope: {
      self,
      id: '',
      sessionId: '',
      system: self.system,
      logger: () => {},
      defer: () => {},
      stopChild: () => {},
      emit: () => {},
      actionExecutor: (action: ExecutedAction) => {
        ready.collected.push(action);
      },
    } as unknown as AnyActorScope,
  };
  prepared.set(kind, ready);
  return ready;
}

function run(kind: AnyKind, ready: Prepared, advance: () => Snapshot): Snapshot {
  ready.collected = [];
  try {
    return inDocumentOrder(advance());
  } catch (cause) {
    throw failed(kind, 'an event', cause);
  }
}

/**
 * XState keeps the active states in the order in which they were entered, and a restored snapshot in
 * another; regions of a parallel state are asked in that order, so a twin could act differently after
 * a restart. Document order, as SCXML has it, is the same for both.
 */
function inDocumentOrder(snapshot: Snapshot): Snapshot {
  const { _nodes: nodes } = snapshot as unknown as { _nodes?: { order: number }[] };
  // In place: the array is this snapshot's own, or one that is in order already
  nodes?.sort((a, b) => a.order - b.order);
  return snapshot;
}

function failed(kind: AnyKind, on: string, cause: unknown): EngineError {
  return new EngineError(
    'machine-failed',
    `the machine of kind "${kind.kind}" failed on ${on}: ${messageOf(cause)}`,
    { hint: 'A bug in the kind; the twin is as it was before. Mend the kind, then retry.', cause },
  );
}

function translate(kind: AnyKind, { type, params }: ExecutedAction): StepAction[] {
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
