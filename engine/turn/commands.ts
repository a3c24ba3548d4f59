/** Commands of a turn, and what becomes of those that are open. */
import { sameJson } from '../model/json.ts';
import { own } from '../model/own.ts';
import type { IntentStatus } from '../model/rows.ts';
import type { PendingIntent } from '../model/twin-state.ts';
import {
  type CommandRequest,
  intentEvent,
  intentRow,
  meet,
  openIntent,
  specOf,
} from './intents.ts';
import type { TurnBuilder } from './turn-builder.ts';

/** Opens an intent and sends its command on its way. @throws EngineError for a command that the kind does not have */
export function sendCommand(turn: TurnBuilder, request: CommandRequest): void {
  const { state, now } = turn;
  const id = turn.effectId(turn.effects.length);
  const checked = specOf(turn.before.kindOf, request);
  if (checked.spec.supersedes ?? true) {
    for (const older of state.pending) {
      if (older.name === request.name) endIntent(turn, older, 'superseded');
    }
  }
  const { id: cause, correlation, principal } = turn.envelope;
  const intent = openIntent(id, request, checked, { cause, correlation, principal }, now);
  state.pending = [...state.pending, intent];
  turn.intents.set(id, intentRow(turn.address, intent, 'pending', now));
  const { name, args, expiresAt, expect } = intent;
  const ttl = expiresAt - now;
  turn.effects.push(
    expect
      ? { type: 'command', id, name, args, ttl, expect }
      : { type: 'command', id, name, args, ttl },
  );
}

/** A command that is not sent: its intent fails at once. @throws EngineError for a command that the kind does not have */
export function refuseCommand(turn: TurnBuilder, request: CommandRequest, error: string): void {
  const { now } = turn;
  const id = turn.effectId(turn.effects.length);
  const checked = specOf(turn.before.kindOf, request);
  const { id: cause, correlation, principal } = turn.envelope;
  const intent = openIntent(id, request, checked, { cause, correlation, principal }, now);
  turn.intents.set(id, intentRow(turn.address, intent, 'failed', now, error));
  const { name, args, expiresAt } = intent;
  turn.effects.push({
    ...{ type: 'command', id, name, args },
    ttl: expiresAt - now,
    refused: true,
  });
}

export function ackIntent(turn: TurnBuilder, intent: PendingIntent): void {
  const { state, now } = turn;
  const acked: PendingIntent = { ...intent, status: 'acked', ackedAt: now };
  state.pending = state.pending.map((other) => (other.id === acked.id ? acked : other));
  turn.intents.set(acked.id, intentRow(turn.address, acked, 'acked', now));
  tellOutcome(turn, acked, 'acked');
}

/** Brings an intent to its end. @param heard whether the machine is told, if it listens */
export function endIntent(
  turn: TurnBuilder,
  intent: PendingIntent,
  status: IntentStatus,
  error?: string,
  heard = true,
): void {
  const { state } = turn;
  state.pending = state.pending.filter((other) => other.id !== intent.id);
  turn.intents.set(intent.id, intentRow(turn.address, intent, status, turn.now, error ?? null));
  if (status !== 'failed') turn.withdrawn.push(intent.id);
  if (heard) tellOutcome(turn, intent, status, error);
}

/** Holds the turn's report against what commands expect that were open before it. */
export function confirmIntents(turn: TurnBuilder): void {
  const { before, state, snapshot } = turn;
  const earlier = state.pending.filter((intent) => intent.expect && !turn.intents.has(intent.id));
  if (earlier.length === 0) return;
  const { reported } = before.kindOf.view(snapshot.context);
  const said = turn.envelope.event;
  const fresh = (key: string) =>
    (said.type === 'telemetry' && own(said, key) !== undefined) ||
    !sameJson(own(before.view.reported, key), own(reported, key));
  for (const intent of earlier) {
    const met = meet(intent, reported, fresh);
    if (met.confirmed) endIntent(turn, intent, 'confirmed');
    else if (met.intent !== intent) {
      state.pending = state.pending.map((p) => (p.id === intent.id ? met.intent : p));
    }
  }
}

function tellOutcome(
  { before, outcomes }: TurnBuilder,
  intent: PendingIntent,
  status: IntentStatus,
  error?: string,
): void {
  const event = intentEvent(intent, status, error);
  if (event.type in before.kindOf.events) outcomes.push(event);
}
