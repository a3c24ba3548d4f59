/**
 * Who may say what is desired of a twin. A writer that wants to be left alone for a while takes a lease on
 * the keys that it writes; until it ends, others of the same or a lower priority are overruled. What they wanted
 * is kept beneath, and counts when the leases above have ended. Pure; part of the twin's state.
 */
import { type Envelope, isExternal } from '../model/envelope.ts';
import { type JsonObject, sameJson } from '../model/json.ts';
import type { Claim, Lease, Leases, Overruling } from '../model/lease.ts';
import { own } from '../model/own.ts';

export interface Overruled extends Overruling {
  /** Who does not get it. */
  holder: string;
}

export interface Arbitration {
  leases: Leases;
  /** What counts now of the keys in question. */
  values: JsonObject;
  /** Keys of which it counts what the writer wants. */
  granted: string[];
  overruled: Overruled[];
}

/** What is wanted within this time is wanted at the same occasion, ms. */
const OCCASION_MS = 1_000;

/** People and devices come before rules that say nothing else, which come at 0. */
const PEOPLE = 50;

/** The holder in whose name an event is. */
export function holderOf({ source, principal }: Pick<Envelope, 'source' | 'principal'>): string {
  return source.includes('/') ? source : principal;
}

export function priorityOf(envelope: Envelope): number {
  return envelope.claim?.priority ?? (isExternal(envelope) ? PEOPLE : 0);
}

/**
 * Weighs what somebody wants against the leases of others.
 * @param desired what counts now, of keys without a lease
 */
export function arbitrate(
  leases: Leases,
  desired: JsonObject,
  wanted: Claim & { holder: string; values: JsonObject; now: number; isClaimed: boolean },
): Arbitration {
  const { holder, priority, holdMs, now } = wanted;
  const result: Arbitration = { leases: { ...leases }, values: {}, granted: [], overruled: [] };
  for (const [key, value] of Object.entries(wanted.values)) {
    const known = own(leases, key);
    const others =
      known?.leases.filter((lease) => lease.holder !== holder && !isPast(lease, now)) ?? [];
    const stronger = others.filter((lease) => keepsOff(lease, priority));
    const weaker = others.filter((lease) => !keepsOff(lease, priority));
    const base = known?.leases.some((lease) => !lease.final)
      ? known.base
      : (own(desired, key) ?? null);
    const [strongest] = stronger;
    if (strongest?.final) {
      overrule(result, holder, key, strongest.holder, null);
      put(result, key, { base, leases: [...stronger, ...weaker] });
      continue;
    }
    const mine: Lease[] = [];
    if (holdMs !== undefined) mine.push({ holder, priority, until: now + holdMs, value });
    else if (wanted.isClaimed && priority > 0 && !strongest) {
      mine.push({ holder, priority, until: now + OCCASION_MS, value, final: true });
    }
    // What is set for good sweeps away what is weaker; a lease only covers it
    const left = [...stronger, ...mine, ...(holdMs === undefined ? [] : weaker)];
    if (strongest) overrule(result, holder, key, strongest.holder, strongest.until);
    else {
      result.granted.push(key);
      for (const lease of weaker)
        overrule(result, lease.holder, key, holder, mine[0]?.until ?? null);
    }
    put(result, key, { base: holdMs === undefined ? value : base, leases: left });
  }
  return result;
}

/** Ends leases. @returns what counts now of the keys whose strongest lease it was */
export function endLeases(
  leases: Leases,
  isOver: (lease: Lease) => boolean,
): Pick<Arbitration, 'leases' | 'values'> {
  const result: Arbitration = { leases: { ...leases }, values: {}, granted: [], overruled: [] };
  for (const [key, { base, leases: held }] of Object.entries(leases)) {
    const left = held.filter((lease) => !isOver(lease));
    if (left.length === held.length) continue;
    put(result, key, { base, leases: left });
    if (left[0] === held[0] || held[0]?.final) delete result.values[key];
  }
  return result;
}

/** The leased keys that are not as they are held to be, with what they are, as a wish. */
export function strayed(leases: Leases, desired: JsonObject): JsonObject {
  const values: JsonObject = {};
  for (const [key, { leases: held }] of Object.entries(leases)) {
    const value = own(desired, key) ?? null;
    if (held[0]?.final) continue;
    if (!sameJson(value, held[0]?.value ?? null)) values[key] = value;
  }
  return values;
}

/** Who keeps a writer off one of these keys. */
export function heldOff(
  leases: Leases,
  keys: readonly string[],
  writer: { holder: string; priority: number; now: number },
): (Lease & { key: string }) | null {
  for (const key of keys) {
    const [lease] = own(leases, key)?.leases ?? [];
    if (!lease || isPast(lease, writer.now)) continue;
    if (lease.holder !== writer.holder && keepsOff(lease, writer.priority))
      return { ...lease, key };
  }
  return null;
}

/** The earliest end of a lease, epoch ms. */
export function firstEnd(leases: Leases | undefined): number | null {
  let first: number | null = null;
  for (const { leases: held } of Object.values(leases ?? {})) {
    for (const { until, final } of held) {
      // Nothing happens when an occasion is over
      if (!final && (first === null || until < first)) first = until;
    }
  }
  return first;
}

/** What was set for good keeps off who is weaker; a lease, who is as strong too. */
function keepsOff(lease: Lease, priority: number): boolean {
  return lease.final ? lease.priority > priority : lease.priority >= priority;
}

function isPast({ final, until }: Lease, now: number): boolean {
  return final === true && until <= now;
}

function put(result: Arbitration, key: string, next: Leases[string]): void {
  if (next.leases.length > 0) result.leases[key] = next;
  else delete result.leases[key];
  result.values[key] = next.leases[0]?.value ?? next.base;
}

function overrule(
  { overruled }: Arbitration,
  holder: string,
  key: string,
  by: string,
  until: number | null,
): void {
  const known = overruled.find((one) => one.holder === holder && one.by === by);
  if (known) known.keys.push(key);
  else overruled.push({ holder, keys: [key], by, until });
}
