/** What triggers share that look at a change of a twin. Pure; asked about each change. */
import type { Aspect, Json, JsonObject, Observation } from '../../../engine/kind.ts';
import type { Budget } from '../expressions/budget.ts';
import type { Selector } from '../language/schemas.ts';
import type { TriggerFiring, TriggerMemory } from '../model/memory.ts';
import { scopeOf } from '../model/scope.ts';
import type { Miss, Move, ReadyTrigger, TriggerInput } from './trigger.ts';

export function fires(key: string, hit: TriggerFiring): Move {
  return { key, move: 'fires', hit };
}

/** Whether the change is one of the twins that are meant. */
export function concerns(
  { twin: twins, kind: ofKind, room }: Selector,
  { twin, kind, after }: Observation,
): boolean {
  return (
    (twins === undefined || twins.includes(twin)) &&
    (ofKind === undefined || ofKind === kind) &&
    (room === undefined || room === after.room)
  );
}

/** What the firing of a trigger by this change is to the run that it sets off. */
export function firingOf(
  { index, id, trigger }: ReadyTrigger,
  { seen, readsAfter }: TriggerInput,
  more: Partial<TriggerFiring>,
): TriggerFiring {
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

/** Whether the trigger's `where` is true; there may be none. */
export function isWhere(
  { expression }: ReadyTrigger,
  hit: TriggerFiring,
  { seen, facts, timezone, budget }: TriggerInput,
  miss: Miss,
): boolean {
  if (!expression) return true;
  const scope = scopeOf({ facts: facts(), hit, now: seen.receivedAt, timezone, budget });
  const evaluated = expression.evaluate(scope);
  if (evaluated.ok && evaluated.value === true) return true;
  miss(() => `${expression.text} is ${evaluated.ok ? 'false' : `unknown: ${evaluated.reason}`}`);
  return false;
}

/** What a value has to be: any of `to`, none of `not`, and before any of `from`. */
interface Wanted {
  readonly from?: readonly Json[];
  readonly to?: readonly Json[];
  readonly not?: readonly Json[];
  readonly for?: number;
}

/** The move of a trigger that waits for a value. @throws BudgetExceeded */
export function moveOfValue(
  ready: ReadyTrigger,
  wanted: Wanted,
  path: readonly string[],
  memory: Readonly<Record<string, TriggerMemory>>,
  input: TriggerInput,
  miss: Miss,
): Move | null {
  const { seen, budget } = input;
  const from = valueAt(seen.before, path);
  const to = valueAt(seen.after, path);
  const known = [wanted.to, wanted.not, wanted.from];
  budget.spend(known.reduce((sum, list) => sum + (list?.length ?? 0), 0) / 8);
  if (same(from, to, budget)) return null;
  const key = `${ready.index}:${seen.twin}`;
  const isHeld = memory[key]?.until !== undefined;
  const isMeant = (value: Json | undefined) =>
    (wanted.to === undefined || wanted.to.some((one) => same(one, value, budget))) &&
    !(wanted.not ?? []).some((one) => same(one, value, budget)) &&
    value !== undefined;
  const hit = firingOf(ready, input, {
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
  });
  if (!isMeant(to)) {
    if (isHeld) return { key, move: 'breaks', hit };
    return miss(() => `${path.join('.')} became ${show(to)}, which is not what it waits for`, to);
  }
  if (wanted.from && !wanted.from.some((one) => same(one, from, budget))) {
    return isHeld
      ? null
      : miss(
          () => `${path.join('.')} was ${show(from)} before, which is not what it begins with`,
          to,
        );
  }
  if (wanted.for === undefined) return fires(key, hit);
  // Any other meant value goes on holding, except where any change begins anew
  if (isHeld && (wanted.to !== undefined || wanted.not !== undefined)) return null;
  return { key, move: 'holds', hit };
}

/** The parts of an aspect that expressions read. */
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

export function valueAt(aspect: Aspect | null, path: readonly string[]): Json | undefined {
  let at: unknown = aspect;
  for (const key of path) {
    // Of a state value `idle` is the state itself as well as what lies below
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return undefined;
    at = (at as Record<string, unknown>)[key];
  }
  return at as Json | undefined;
}

/** @throws BudgetExceeded */
export function same(a: Json | undefined, b: Json | undefined, budget: Budget): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object') return false;
  budget.spend(Math.ceil((budget.bytesOf(a) + budget.bytesOf(b)) / 128));
  return JSON.stringify(a) === JSON.stringify(b);
}

export function show(value: Json | undefined): string {
  return value === undefined ? 'unknown' : JSON.stringify(value);
}

/** Whose changes concern a trigger that says whose. */
export function watchesOfSelector({ trigger }: ReadyTrigger<Selector & { type: string }>) {
  if (trigger.twin) return trigger.twin.map((twin) => ({ twin }));
  if (trigger.room !== undefined) return [{ room: trigger.room }];
  return trigger.kind === undefined ? [{ everyone: true as const }] : [{ kind: trigger.kind }];
}
