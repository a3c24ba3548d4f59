/** Whether a change of a watched twin moves a trigger. Pure; asked about each change. */
import type { Aspect, Facts, Json, JsonObject, Observation } from '../../../engine/kind.ts';
import type { Budget } from '../expressions/budget.ts';
import type { Trigger } from '../language/definition.ts';
import type { TriggerFiring, TriggerMemory } from './memory.ts';
import { HOME_TWIN, type ReadyTrigger } from './program.ts';
import { scopeOf } from './scope.ts';

/** What a change does to a trigger; journaled with the rule's turn. */
export type Move = {
  /** Of its memory: `index`, or `index:twin`. */
  key: string;
  move:
    | 'fires'
    /** What it waits for holds from now on. */
    | 'holds'
    /** It does not hold any more. */
    | 'breaks'
    /** It has come back by its hysteresis, or its expression is false again. */
    | 'rearms';
  hit: TriggerFiring;
};

/** Why a trigger did nothing although its twin changed; for those who ask. */
export type NearMiss = { trigger: number; reason: string; at: number; twin: string; value?: Json };

type Witness = (miss: NearMiss) => void;

export interface TriggerInput {
  seen: Observation;
  facts: () => Facts;
  timezone: string;
  readsAfter: readonly (readonly string[])[];
  /** What looking may cost. */
  budget: Budget;
}

/** The moves of all these triggers. @throws BudgetExceeded @param witness hears of each that concerns the twin and does not move */
export function movesOf(
  triggers: readonly ReadyTrigger[],
  memory: Readonly<Record<string, TriggerMemory>>,
  sight: TriggerInput,
  witness?: Witness,
): Move[] {
  const moves: Move[] = [];
  for (const ready of triggers) {
    const move = moveOf(ready, memory, sight, witness);
    if (!move) continue;
    // It is journaled with the rule's turn
    sight.budget.make(sight.budget.bytesOf(move.hit));
    moves.push(move);
  }
  return moves;
}

function moveOf(
  ready: ReadyTrigger,
  memory: Readonly<Record<string, TriggerMemory>>,
  sight: TriggerInput,
  witness?: Witness,
): Move | null {
  const { trigger, index } = ready;
  const { seen, budget } = sight;
  budget.spend(1);
  const miss = (reason: () => string, value?: Json) => {
    witness?.({
      trigger: index,
      reason: reason(),
      at: seen.receivedAt,
      twin: seen.twin,
      ...(value !== undefined && { value }),
    });
    return null;
  };
  switch (trigger.type) {
    case 'state':
      if (!concerns(trigger, seen)) return null;
      return stateMove(ready, trigger, trigger.path, memory, sight, miss);
    case 'mode': {
      if (seen.twin !== HOME_TWIN) return null;
      const { mode, ...rest } = trigger;
      return stateMove(ready, { ...rest, to: mode }, ['reported', 'mode'], memory, sight, miss);
    }
    case 'number':
      return concerns(trigger, seen) ? numberMove(ready, trigger, memory, sight, miss) : null;
    case 'event': {
      if (!concerns(trigger, seen) || seen.event.type !== trigger.event) return null;
      const hit = hitOf(ready, sight, { event: seen.event as JsonObject });
      return holdsFor(ready, hit, sight, miss) ? fires(String(index), hit) : null;
    }
    case 'mqtt': {
      const { type, topic, body = null } = seen.event;
      if (seen.twin !== HOME_TWIN || type !== 'message' || typeof topic !== 'string') return null;
      if (!topicMatches(trigger.mqtt, topic)) return null;
      if (trigger.payload !== undefined && !same(trigger.payload, body, budget))
        return miss(() => `${topic} said ${show(body)}, which is not what it waits for`, body);
      const hit = hitOf(ready, sight, { topic, body });
      return holdsFor(ready, hit, sight, miss) ? fires(String(index), hit) : null;
    }
    case 'alert': {
      if (!concerns(trigger, seen)) return null;
      const alert = seen.alerts.find(
        ({ key, status }) =>
          status === trigger.is && (trigger.alert === '*' || trigger.alert === key),
      );
      if (!alert) return null;
      const { id, key, status, severity, message } = alert;
      return fires(
        String(index),
        hitOf(ready, sight, { alert: { id, key, status, severity, message } }),
      );
    }
    case 'intent': {
      if (!concerns(trigger, seen)) return null;
      const intent = seen.intents.find(
        ({ name, status }) => status === trigger.intent && (trigger.command ?? name) === name,
      );
      if (!intent) return null;
      const { id, name, args, status, error } = intent;
      return fires(
        String(index),
        hitOf(ready, sight, { intent: { id, name, args, status, error: error ?? null } }),
      );
    }
    case 'when':
      return whenMove(ready, trigger, memory, sight, miss);
    default:
      return null;
  }
}

/** As MQTT has it: `+` is a level, `#` at the end all that follow, and the level above. */
function topicMatches(filter: string, topic: string): boolean {
  const wanted = filter.split('/');
  const given = topic.split('/');
  const isOpen = wanted.at(-1) === '#';
  const levels = isOpen ? wanted.slice(0, -1) : wanted;
  if (isOpen ? given.length < levels.length : given.length !== levels.length) return false;
  return levels.every((level, at) => level === '+' || level === given[at]);
}

type Of<T extends Trigger['type']> = Extract<Trigger, { type: T }>;
type Miss = (reason: () => string, value?: Json) => null;

function stateMove(
  ready: ReadyTrigger,
  trigger: Pick<Of<'state'>, 'from' | 'to' | 'not' | 'for'>,
  path: readonly string[],
  memory: Readonly<Record<string, TriggerMemory>>,
  sight: TriggerInput,
  miss: Miss,
): Move | null {
  const { seen, budget } = sight;
  const from = valueAt(seen.before, path);
  const to = valueAt(seen.after, path);
  const known = [trigger.to, trigger.not, trigger.from];
  budget.spend(known.reduce((sum, list) => sum + (list?.length ?? 0), 0) / 8);
  if (same(from, to, budget)) return null;
  const key = `${ready.index}:${seen.twin}`;
  const isHeld = memory[key]?.until !== undefined;
  const isMeant = (value: Json | undefined) =>
    (trigger.to === undefined || trigger.to.some((one) => same(one, value, budget))) &&
    !(trigger.not ?? []).some((one) => same(one, value, budget)) &&
    value !== undefined;
  const hit = hitOf(ready, sight, {
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
  });
  if (!isMeant(to)) {
    if (isHeld) return { key, move: 'breaks', hit };
    return miss(() => `${path.join('.')} became ${show(to)}, which is not what it waits for`, to);
  }
  if (trigger.from && !trigger.from.some((one) => same(one, from, budget))) {
    return isHeld
      ? null
      : miss(
          () => `${path.join('.')} was ${show(from)} before, which is not what it begins with`,
          to,
        );
  }
  if (trigger.for === undefined) return fires(key, hit);
  // Any other meant value goes on holding, except where any change begins anew
  if (isHeld && (trigger.to !== undefined || trigger.not !== undefined)) return null;
  return { key, move: 'holds', hit };
}

function numberMove(
  ready: ReadyTrigger,
  trigger: Of<'number'>,
  memory: Readonly<Record<string, TriggerMemory>>,
  sight: TriggerInput,
  miss: Miss,
): Move | null {
  const { seen } = sight;
  const from = valueAt(seen.before, trigger.path);
  const to = valueAt(seen.after, trigger.path);
  if (typeof to !== 'number' || from === to) return null;
  const key = `${ready.index}:${seen.twin}`;
  const { isSpent = false, until } = memory[key] ?? {};
  const limit = trigger.above ?? trigger.below ?? 0;
  // Of "below" everything is the other way round
  const sign = trigger.above === undefined ? -1 : 1;
  const isBeyond = (value: number) => sign * value > sign * limit;
  const isBack = sign * to <= sign * limit - (trigger.hysteresis ?? 0) && !isBeyond(to);
  const hit = hitOf(ready, sight, { ...(from !== undefined && { from }), to });
  const words = () => `${trigger.path.join('.')} is ${to}, the limit is ${limit}`;
  if (isBack) {
    if (until !== undefined) return { key, move: 'breaks', hit };
    return isSpent ? { key, move: 'rearms', hit } : miss(words, to);
  }
  if (!isBeyond(to)) return miss(words, to);
  if (isSpent)
    return miss(
      () => `${words()}: it has fired, and has not come back by its hysteresis since`,
      to,
    );
  if (until !== undefined) return null;
  if (typeof from === 'number' && isBeyond(from))
    return miss(() => `${words()}: it was beyond it before`, to);
  return { key, move: trigger.for === undefined ? 'fires' : 'holds', hit };
}

function whenMove(
  ready: ReadyTrigger,
  trigger: Of<'when'>,
  memory: Readonly<Record<string, TriggerMemory>>,
  sight: TriggerInput,
  miss: Miss,
): Move | null {
  const { expression, index } = ready;
  if (!expression?.operands.some(({ root, path }) => isOf(sight.seen, root, path))) return null;
  const key = String(index);
  const { isTrue = false, until } = memory[key] ?? {};
  const evaluated = expression.evaluate(
    scopeOf({
      facts: sight.facts(),
      now: sight.seen.receivedAt,
      timezone: sight.timezone,
      budget: sight.budget,
    }),
  );
  const is = evaluated.ok && evaluated.value === true;
  const hit = hitOf(ready, sight, {});
  if (is === isTrue) {
    return is
      ? null
      : miss(
          () => `${expression.text} is ${evaluated.ok ? 'false' : `unknown: ${evaluated.reason}`}`,
        );
  }
  if (!is) return { key, move: until === undefined ? 'rearms' : 'breaks', hit };
  return { key, move: trigger.for === undefined ? 'fires' : 'holds', hit };
}

function isOf({ twin }: Observation, root: string, path: readonly string[]): boolean {
  return root === 'twins' ? path[0] === twin : root === 'home' && twin === HOME_TWIN;
}

function holdsFor(
  { expression }: ReadyTrigger,
  hit: TriggerFiring,
  sight: TriggerInput,
  miss: Miss,
): boolean {
  if (!expression) return true;
  const scope = scopeOf({
    facts: sight.facts(),
    hit,
    now: sight.seen.receivedAt,
    timezone: sight.timezone,
    budget: sight.budget,
  });
  const evaluated = expression.evaluate(scope);
  if (evaluated.ok && evaluated.value === true) return true;
  miss(() => `${expression.text} is ${evaluated.ok ? 'false' : `unknown: ${evaluated.reason}`}`);
  return false;
}

function fires(key: string, hit: TriggerFiring): Move {
  return { key, move: 'fires', hit };
}

function concerns(
  trigger: { twin?: string[] | undefined; kind?: string | undefined; room?: string | undefined },
  { twin, kind, after }: Observation,
): boolean {
  return (
    (trigger.twin === undefined || trigger.twin.includes(twin)) &&
    (trigger.kind === undefined || trigger.kind === kind) &&
    (trigger.room === undefined || trigger.room === after.room)
  );
}

function hitOf(
  { index, id, trigger }: ReadyTrigger,
  sight: TriggerInput,
  more: Partial<TriggerFiring>,
): TriggerFiring {
  const { seen, readsAfter } = sight;
  const { twin, after } = seen;
  return {
    trigger: index,
    id,
    type: trigger.type,
    at: seen.receivedAt,
    twin,
    ...(after.room !== null && { room: after.room }),
    ...more,
    ...(readsAfter.length > 0 && { after: partsOf(after, readsAfter) }),
  };
}

/** Of an aspect the parts that expressions read. */
function partsOf(aspect: Aspect, paths: readonly (readonly string[])[]): JsonObject {
  const parts: JsonObject = {};
  for (const path of paths) {
    const value = valueAt(aspect, path);
    if (value === undefined) continue;
    let at = parts;
    for (const [index, key] of path.entries()) {
      if (index === path.length - 1) at[key] = value;
      else {
        const below = at[key];
        const made =
          typeof below === 'object' && below !== null && !Array.isArray(below) ? { ...below } : {};
        at[key] = made;
        at = made;
      }
    }
  }
  return parts;
}

function valueAt(aspect: Aspect | null, path: readonly string[]): Json | undefined {
  let at: unknown = aspect;
  for (const key of path) {
    // Of a state value `idle` is the state itself as well as what lies below
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return undefined;
    at = (at as Record<string, unknown>)[key];
  }
  return at as Json | undefined;
}

function same(a: Json | undefined, b: Json | undefined, budget: Budget): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object') return false;
  budget.spend(Math.ceil((budget.bytesOf(a) + budget.bytesOf(b)) / 128));
  return JSON.stringify(a) === JSON.stringify(b);
}

function show(value: Json | undefined): string {
  return value === undefined ? 'unknown' : JSON.stringify(value);
}
