/** What is desired of a twin in a turn, and who holds what of it. */
import type { z } from 'zod';
import type { EventData } from '../model/envelope.ts';
import { type Json, type JsonObject, sameJson } from '../model/json.ts';
import type { Lease, Leases } from '../model/lease.ts';
import { own } from '../model/own.ts';
import { parseSafely } from '../model/parse-safely.ts';
import { feed } from './feed.ts';
import {
  type Arbitration,
  arbitrate,
  endLeases as endedLeases,
  heldOff as heldOffBy,
  holderOf,
  type Overruled,
  priorityOf,
  strayed,
} from './leases.ts';
import type { TurnBuilder } from './turn-builder.ts';

/** Takes what is desired, as far as nobody else holds it. @param at when it was said, epoch ms */
export function desire(turn: TurnBuilder, { type, ...values }: EventData, at: number): void {
  const { envelope, state, now } = turn;
  const before: Leases = state.leases ?? {};
  if (!state.leases && !envelope.claim) {
    feed(turn, { type, ...values }, at);
    return;
  }
  const claim = { ...envelope.claim, priority: priorityOf(envelope) };
  const isClaimed = envelope.claim !== undefined;
  const wanted = { ...claim, isClaimed, holder: holderOf(envelope), now };
  const result = arbitrate(before, turn.before.view.desired, {
    ...wanted,
    values: values as JsonObject,
  });
  takeArbitration(turn, result);
  const counts = Object.entries(result.values).filter(
    ([key, value]) =>
      result.granted.includes(key) || !sameJson(value, own(before, key)?.leases[0]?.value ?? null),
  );
  if (counts.length > 0) feed(turn, { type, ...Object.fromEntries(counts) }, at);
}

/** What something else than a wish has changed of a leased key (a hand at the device, the twin itself) is weighed like one. */
export function weighStrayed(turn: TurnBuilder): void {
  const { envelope, now } = turn;
  const { leases } = turn.state;
  if (!leases) return;
  const { desired } = turn.before.kindOf.view(turn.snapshot.context);
  const values = strayed(leases, desired);
  if (Object.keys(values).length === 0) return;
  const result = arbitrate(leases, desired, {
    ...{ holder: holderOf(envelope), priority: priorityOf(envelope), now },
    isClaimed: false,
    values,
  });
  takeArbitration(turn, result);
  desireAgain(turn, result.values, values);
}

/**
 * Ends leases; what was wanted beneath them counts again.
 * @param heard whether the machine is told @returns false: there was none
 */
export function endLeases(
  turn: TurnBuilder,
  isOver: (lease: Lease) => boolean,
  heard = true,
): boolean {
  const { leases } = turn.state;
  if (!leases) return false;
  const { desired } = turn.before.view;
  const ended = endedLeases(leases, isOver);
  if (sameJson(ended.leases as unknown as Json, leases as unknown as Json)) return false;
  setLeases(turn, ended.leases);
  if (heard) desireAgain(turn, ended.values, desired);
  return true;
}

/** Who keeps the sender of a command off what it would change; null: nobody. */
export function heldOff(
  { state, envelope, now }: TurnBuilder,
  keys: readonly string[],
): ReturnType<typeof heldOffBy> {
  const sender = { holder: holderOf(envelope), priority: priorityOf(envelope), now };
  return state.leases ? heldOffBy(state.leases, keys, sender) : null;
}

function takeArbitration(turn: TurnBuilder, { leases, overruled }: Arbitration): void {
  setLeases(turn, leases);
  for (const one of overruled) {
    const { holder, ...overruling } = one;
    if (holder === holderOf(turn.envelope)) turn.overruled.push(overruling);
    tellOverruled(turn, one);
  }
}

function setLeases({ state }: TurnBuilder, leases: Leases): void {
  if (Object.keys(leases).length > 0) state.leases = leases;
  else delete state.leases;
}

/** A twin that does not get what it wants is told; people read it where the twin is shown. */
function tellOverruled(turn: TurnBuilder, { holder, keys, by, until }: Overruled): void {
  const [home, twin] = holder.split('/');
  const { address, envelope } = turn;
  if (home !== address.home || twin === undefined) return;
  turn.followUp(twin, {
    type: 'desired.overruled',
    twin: address.twin,
    ...{ keys, by, until },
    // Which of its wishes that was; none of them where a later one of somebody else's came
    ...(holder === holderOf(envelope) && { wish: envelope.id }),
  });
}

/** Tells the machine the values that count now, where they differ from those before. Values that its kind refuses are left out. */
function desireAgain(turn: TurnBuilder, values: JsonObject, before: JsonObject): void {
  for (const [key, value] of Object.entries(values)) {
    if (sameJson(value, own(before, key) ?? null)) continue;
    const schema = own<z.ZodObject>(turn.before.kindOf.events, 'desired.changed');
    const parsed = schema && parseSafely(schema, { [key]: value });
    if (!parsed?.success) continue;
    feed(turn, { ...(parsed.data as JsonObject), type: 'desired.changed' }, turn.now);
  }
}
