import type { AnyStateMachine } from 'xstate';
import type { z } from 'zod';
import { EngineError } from '../model/errors.ts';
import { SENDERS } from '../model/senders.ts';
import { isReserved } from '../model/vocabulary.ts';

/** What {@link checkKind} looks at; `defineKind` gives it the typed whole. */
interface CheckedKind {
  kind: string;
  version: number;
  description: string;
  events: Record<string, z.ZodObject>;
  commands: Record<string, { args: z.ZodObject }>;
  measurements: unknown;
  machine: AnyStateMachine;
  senders?: Readonly<Record<string, readonly string[] | undefined>>;
  view(context: unknown): unknown;
}

type StateNode = AnyStateMachine['root'];
/** XState gives its built-in actions a type and a `resolve`; everything else is a custom function. */
type ActionObject = { type?: string; resolve?: unknown };

const ALLOWED_ACTIONS = new Set([
  'xstate.assign',
  'xstate.emit',
  'xstate.raise',
  'xstate.cancel',
  'xstate.enqueueActions',
  'xstate.log',
]);

/** Events that XState itself makes: timers, the start, a finished region. */
const XSTATE_EVENT = /^xstate\.(after|done\.state|init|stop)\b/;
const KIND_NAME = /^[a-z][a-z0-9-]{0,63}$/;

export function isKindName(text: string): boolean {
  return KIND_NAME.test(text);
}

/** @throws EngineError `kind-invalid`, with all problems found */
export function checkKind(kind: CheckedKind): void {
  const problems = flawsOfShape(kind);
  if (problems.length === 0) problems.push(...flawsWithin(kind));
  if (problems.length === 0) return;
  throw new EngineError(
    'kind-invalid',
    `kind "${kind.kind}" cannot be a durable twin:\n${problems.map((p) => `  - ${p}`).join('\n')}`,
    { hint: 'A machine decides, the engine acts: see "What a machine may do" in twins/README.md.' },
  );
}

/** What the types say, for authors who have none. */
function flawsOfShape(kind: CheckedKind): string[] {
  const { description, events, commands, measurements, machine, view } = kind;
  const problems: string[] = [];
  if (typeof kind.kind !== 'string') problems.push("it needs a name: kind: 'doorbell'");
  if (typeof description !== 'string') problems.push('it needs a description, one sentence');
  if (!isRecord(events)) problems.push('it needs events, a zod object for each type');
  for (const [type, schema] of isRecord(events) ? Object.entries(events) : []) {
    if (!isZodObject(schema)) problems.push(`its event "${type}" must be a z.object({ … })`);
  }
  if (!isRecord(commands)) problems.push('it needs commands; without any: {}');
  for (const [name, spec] of isRecord(commands) ? Object.entries(commands) : []) {
    if (isRecord(spec) && isZodObject(spec.args)) continue;
    problems.push(`its command "${name}" must be a command({ args: z.object({ … }) })`);
  }
  if (!isRecord(measurements) && typeof measurements !== 'function') {
    problems.push("it needs measurements, such as { power: { unit: 'W' } }; without any: {}");
  }
  if (!isRecord(machine) || !isRecord(machine.root) || !isRecord(machine.implementations)) {
    problems.push('it needs a machine, made with setup(…).createMachine(…) of xstate');
  }
  if (typeof view !== 'function') {
    problems.push(
      'it needs view, a function of the context that gives reported, desired, settings',
    );
  }
  return problems;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Tells a schema by what it can do: an author's tests may use another copy of zod. */
function isZodObject(value: unknown): boolean {
  return isRecord(value) && typeof value.safeParse === 'function' && isRecord(value.shape);
}

function flawsWithin(kind: CheckedKind): string[] {
  const problems: string[] = [];
  if (!isKindName(kind.kind)) {
    problems.push(`its name must be lower-case letters, digits and "-", not "${kind.kind}"`);
  }
  if (!Number.isInteger(kind.version) || kind.version < 1) {
    problems.push(`its version must be 1, 2, 3 …, not ${kind.version}`);
  }
  const { machine } = kind;
  problems.push(...checkContext(machine), ...checkSenders(kind));
  for (const [name, action] of Object.entries(machine.implementations.actions)) {
    problems.push(...checkAction(action as ActionObject, `action "${name}"`));
  }
  for (const node of nodesOf(machine.root)) problems.push(...checkNode(node, kind));
  return problems;
}

function checkSenders({ senders = {}, events }: CheckedKind): string[] {
  return Object.entries(senders).flatMap(([type, those]) => {
    if (!Object.hasOwn(events, type)) {
      return [`senders names "${type}", which is not among its events`];
    }
    if (isReserved(type)) {
      return [`senders names "${type}", whose senders the engine decides: leave it out`];
    }
    const unknown = those?.filter((one) => !SENDERS.some((known) => known === one)) ?? [];
    return unknown.map(
      (one) => `"${one}" in senders of "${type}" is none of ${SENDERS.join(', ')}`,
    );
  });
}

function checkNode(node: StateNode, kind: CheckedKind): string[] {
  const problems: string[] = [];
  const where = `state "${node.id}"`;
  if (node.config.invoke !== undefined) {
    problems.push(
      `${where} uses invoke: a running child does not survive a restart. Emit an effect and wait for the event that answers it`,
    );
  }
  if (node.type === 'final' && node.parent === kind.machine.root) {
    problems.push(
      `${where} is a top-level final state: a finished machine hears nothing more. Make it an ordinary state`,
    );
  }
  for (const action of [...node.entry, ...node.exit]) {
    problems.push(...checkUse(action, kind.machine, where));
  }
  for (const [descriptor, transitions] of node.transitions) {
    if (!isKnownEvent(descriptor, kind.events)) {
      problems.push(
        `${where} listens to "${descriptor}", which is not among its events (${Object.keys(kind.events).join(', ')})`,
      );
    }
    for (const transition of transitions) {
      for (const action of transition.actions) {
        problems.push(...checkUse(action, kind.machine, `${where} on "${descriptor}"`));
      }
    }
  }
  for (const transition of node.always ?? []) {
    for (const action of transition.actions) {
      problems.push(...checkUse(action, kind.machine, `${where} always`));
    }
  }
  return problems;
}

function isKnownEvent(descriptor: string, events: Record<string, unknown>): boolean {
  if (descriptor === '*' || descriptor in events || XSTATE_EVENT.test(descriptor)) return true;
  if (!descriptor.endsWith('.*')) return false;
  const prefix = descriptor.slice(0, -1);
  return Object.keys(events).some((type) => type.startsWith(prefix));
}

/** An action where it is used: inline, or by the name of an implementation. */
function checkUse(action: unknown, machine: AnyStateMachine, where: string): string[] {
  const name =
    typeof action === 'string'
      ? action
      : isNamed(action)
        ? (action as { type: string }).type
        : null;
  if (name === null) return checkAction(action as ActionObject, `an action in ${where}`);
  return name in machine.implementations.actions
    ? []
    : [`${where} uses action "${name}", which setup() does not define`];
}

function isNamed(action: unknown): boolean {
  return typeof action === 'object' && action !== null && !('resolve' in action);
}

function checkAction(action: ActionObject, what: string): string[] {
  if (action.resolve !== undefined && ALLOWED_ACTIONS.has(action.type ?? '')) return [];
  if (action.type === 'xstate.spawnChild') {
    return [
      `${what} spawns a child, which does not survive a restart. Make it a twin of its own and tell it`,
    ];
  }
  if (action.resolve !== undefined) {
    return [
      `${what} is ${action.type}, which reaches outside the twin. Use emit({ type: 'tell', … }) instead`,
    ];
  }
  return [
    `${what} is a custom function: it would run before the commit. Use assign, emit, raise, cancel or enqueueActions`,
  ];
}

function checkContext(machine: AnyStateMachine): string[] {
  const declared: unknown = machine.config.context;
  // A function of the input is checked when the kernel makes the first twin of the kind
  if (typeof declared === 'function' || declared === undefined) return [];
  const flaw = jsonFlaw(declared, 'context');
  return flaw === null ? [] : [flaw];
}

/** What keeps a value from surviving JSON, with its path; null when it does. */
export function jsonFlaw(value: unknown, path: string): string | null {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return null;
  if (value === undefined) return null;
  if (typeof value === 'number') {
    return Number.isFinite(value) ? null : `${path} is ${value}, which JSON cannot hold`;
  }
  if (Array.isArray(value)) {
    for (const [index, member] of value.entries()) {
      if (member === undefined) return `${path}[${index}] is undefined, which JSON turns into null`;
      const flaw = jsonFlaw(member, `${path}[${index}]`);
      if (flaw !== null) return flaw;
    }
    return null;
  }
  if (typeof value === 'object') {
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype !== Object.prototype && prototype !== null) {
      return `${path} is a ${value.constructor.name}; store plain data (for a moment: epoch ms)`;
    }
    for (const [key, member] of Object.entries(value)) {
      const flaw = jsonFlaw(member, `${path}.${key}`);
      if (flaw !== null) return flaw;
    }
    return null;
  }
  return `${path} is a ${typeof value}, which JSON cannot hold`;
}

function* nodesOf(root: StateNode): Generator<StateNode> {
  yield root;
  for (const child of Object.values(root.states)) yield* nodesOf(child as StateNode);
}
