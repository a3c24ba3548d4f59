/**
 * One envelope folded into one twin. Pure: the twin as it is, the event and the time go in; the
 * twin as it will be and rows come out. Replay calls the same function.
 */
import type { z } from 'zod';
import { begin } from '../kernel/kernel.ts';
import {
  type Address,
  type Envelope,
  type EventData,
  idHash,
  isExternal,
  keyOf,
} from '../model/envelope.ts';
import { EngineError } from '../model/errors.ts';
import type { JsonObject } from '../model/json.ts';
import type { AnyKind } from '../model/kind.ts';
import type { Lease } from '../model/lease.ts';
import { own } from '../model/own.ts';
import { lifeOf } from '../model/turn-ids.ts';
import type { TwinState } from '../model/twin-state.ts';
import { ENGINE_EVENTS, type EngineEventType, parseData } from '../model/vocabulary.ts';
import { setAlert } from './alerts.ts';
import { ackIntent, confirmIntents, endIntent, refuseCommand, sendCommand } from './commands.ts';
import { feed, takeStep } from './feed.ts';
import { finish } from './finish.ts';
import { type CommandRequest, expectedOf, intentEvent } from './intents.ts';
import { holderOf } from './leases.ts';
import type { LiveTwin } from './live-twin.ts';
import { takeSamples } from './samples.ts';
import { hasSeen } from './seen.ts';
import { arm, disarm, lapse } from './timers.ts';
import { TurnBuilder } from './turn-builder.ts';
import type { Destinations, Turned, TurnResult } from './turned.ts';
import { desire, endLeases, heldOff, weighStrayed } from './wishes.ts';

/**
 * The creation of a twin: revision 0.
 * @throws EngineError `machine-failed`
 */
export function birth(
  kind: AnyKind,
  envelope: Envelope,
  made: { name: string; room: string | null; timezone: string; incarnation: string; epoch: number },
  now: number,
  destinations: Destinations,
): Turned {
  const address: Address = { home: envelope.home, twin: envelope.twin };
  const first = begin(kind, { ...address, at: now, timezone: made.timezone });
  const empty: TwinState = {
    value: {},
    historyValue: {},
    context: {},
    timers: [],
    pending: [],
    seen: [],
    lastAt: {},
    alerts: {},
    buckets: {},
  };
  const unborn: LiveTwin = {
    ...address,
    kind: kind.kind,
    incarnation: made.incarnation,
    epoch: made.epoch,
    life: lifeOf(made.incarnation, made.epoch),
    version: kind.version,
    name: made.name,
    room: made.room,
    via: envelope.via ?? null,
    revision: -1,
    state: empty,
    wakeAt: null,
    createdAt: now,
    updatedAt: now,
    lastEventAt: null,
    relations: made.room === null ? {} : { room: [made.room] },
    kindOf: kind,
    snapshot: first.snapshot,
    view: kind.view(first.snapshot.context),
  };
  const event: EventData = {
    type: 'twin.created',
    kind: kind.kind,
    version: kind.version,
    name: made.name,
    room: made.room,
    timezone: made.timezone,
  };
  const next = new TurnBuilder(unborn, { ...envelope, event }, now, destinations);
  takeStep(next, first);
  if (made.room !== null) {
    next.followUp(made.room, {
      type: 'member.joined',
      member: address.twin,
      kind: kind.kind,
    });
  }
  return finish(next, 'accepted');
}

/**
 * @throws EngineError `bad-input`, `unknown-event`, `stale-revision`, `machine-failed`: the twin is
 *   untouched
 */
export function turn(
  twin: LiveTwin,
  envelope: Envelope,
  now: number,
  destinations: Destinations,
): TurnResult {
  const external = isExternal(envelope);
  if (envelope.dedupe && hasSeen(twin.state.seen, idHash(envelope.id))) {
    return { status: 'duplicate' };
  }
  if (envelope.ifRevision !== undefined && envelope.ifRevision !== twin.revision) {
    throw new EngineError(
      'stale-revision',
      `${keyOf(twin)} is at revision ${twin.revision}, not ${envelope.ifRevision}`,
      { hint: 'Read it again and decide anew.' },
    );
  }
  const { type } = envelope.event;
  const word = own<{ data: z.ZodObject }>(ENGINE_EVENTS, type);
  if (word) {
    const event = parseData(word.data, envelope.event, hintFor(type));
    return HANDLERS[type as EngineEventType](twin, { ...envelope, event }, now, destinations);
  }

  const event = parseEvent(twin.kindOf, envelope.event);
  const next = new TurnBuilder(twin, { ...envelope, event }, now, destinations);
  const latest = own(twin.state.lastAt, type);
  // What is tried again came before what has been folded meanwhile, however its time was found
  const isOrdered = external && (envelope.undated !== true || envelope.kept === true);
  const isLate = isOrdered && latest !== undefined && envelope.at < latest;
  if (isLate && !(twin.kindOf.foldsLate ?? []).includes(type)) {
    takeSamples(next, envelope.at);
    return finish(next, 'late');
  }
  if (type === 'desired.changed') desire(next, event, envelope.at);
  else {
    feed(next, event, envelope.at);
    weighStrayed(next);
  }
  takeSamples(next, envelope.at);
  confirmIntents(next);
  return finish(next, 'accepted');
}

type EngineEvent = (
  twin: LiveTwin,
  envelope: Envelope,
  now: number,
  destinations: Destinations,
) => TurnResult;

/** How the engine folds its own events, whose data have been parsed. */
const HANDLERS: Record<EngineEventType, EngineEvent> = {
  ack(twin, envelope, now, destinations) {
    const { intent: id, ok, error } = envelope.event;
    const intent = twin.state.pending.find((pending) => pending.id === id);
    if (!intent) return { status: 'ignored', reason: `no open command ${String(id)}` };
    const next = new TurnBuilder(twin, envelope, now, destinations);
    if (!ok) {
      endIntent(
        next,
        intent,
        'failed',
        typeof error === 'string' ? error : 'refused by the device',
      );
    } else if (intent.expect) ackIntent(next, intent);
    else endIntent(next, { ...intent, ackedAt: now }, 'confirmed');
    return finish(next, 'accepted');
  },

  'intent.sent'(twin, envelope, now, destinations) {
    const intent = twin.state.pending.find((pending) => pending.id === envelope.event.intent);
    if (!intent || !('intent.sent' in twin.kindOf.events)) {
      return { status: 'ignored', reason: 'nobody listens' };
    }
    const next = new TurnBuilder(twin, envelope, now, destinations);
    feed(next, intentEvent(intent, 'sent'), now);
    return finish(next, 'accepted');
  },

  'intent.expired'(twin, envelope, now, destinations) {
    const intent = twin.state.pending.find((pending) => pending.id === envelope.event.intent);
    if (!intent || intent.expiresAt > now) {
      return { status: 'ignored', reason: 'it has come to an end already' };
    }
    const next = new TurnBuilder(twin, envelope, now, destinations);
    endIntent(next, intent, 'expired', 'not confirmed in time', envelope.event.failed !== true);
    return finish(next, 'accepted');
  },

  'timer.fired'(twin, envelope, now, destinations) {
    const { timer: id, due, forced, failed } = envelope.event;
    const timer = twin.state.timers.find((candidate) => candidate.id === id);
    if (!timer || (forced !== true && (timer.due !== due || timer.due > now))) {
      return { status: 'ignored', reason: `timer ${String(id)} has been cancelled or moved` };
    }
    const lapsed = lapse(timer, now);
    const fires = (lapsed.fires || forced === true) && failed !== true;
    const event: EventData = {
      type: 'timer.fired',
      timer: timer.id,
      due: timer.due,
      // Of several missed ones, a later occurrence than the one that was armed
      ...(lapsed.due !== timer.due && { occurrence: lapsed.due }),
      late: lapsed.late,
      ...(forced === true && { forced }),
      ...(failed === true && { failed }),
      ...(!fires && { skipped: true }),
    };
    const next = new TurnBuilder(twin, { ...envelope, event }, now, destinations);
    next.state.timers = lapsed.next
      ? arm(next.state.timers, lapsed.next)
      : disarm(next.state.timers, timer.id);
    if (fires) {
      feed(next, { ...timer.event, late: lapsed.late }, now);
      weighStrayed(next);
    }
    const result = finish(next, 'accepted');
    return { ...result, timer: { id: timer.id, lateMs: lapsed.late, fired: fires } };
  },

  'timer.cancelled'(twin, envelope, now, destinations) {
    const { timer: id } = envelope.event;
    if (!twin.state.timers.some((timer) => timer.id === id)) {
      return { status: 'ignored', reason: `there is no timer ${String(id)}` };
    }
    const next = new TurnBuilder(twin, envelope, now, destinations);
    next.state.timers = disarm(next.state.timers, String(id));
    return finish(next, 'accepted');
  },

  'command.requested'(twin, envelope, now, destinations) {
    const { name, args, ttl, expect } = envelope.event;
    const next = new TurnBuilder(twin, envelope, now, destinations);
    const request: CommandRequest = {
      name: String(name),
      args: (args ?? {}) as JsonObject,
      ...(typeof ttl === 'number' && { ttl }),
      ...(expect !== undefined && { expect: expect as JsonObject }),
    };
    const lease = heldOff(next, expectedOf(twin.kindOf, request));
    if (lease) {
      const until = new Date(lease.until).toISOString();
      refuseCommand(next, request, `${lease.holder} holds "${lease.key}" until ${until}`);
    } else sendCommand(next, request);
    return finish(next, 'accepted');
  },

  /** Ends the leases of the sender; of somebody else where the engine's service names a `holder`. A twin ends its own only. */
  'desired.released'(twin, envelope, now, destinations) {
    const { holder } = envelope.event;
    const isTwin = envelope.source.includes('/');
    const whose = typeof holder === 'string' && !isTwin ? holder : holderOf(envelope);
    const next = new TurnBuilder(twin, envelope, now, destinations);
    if (!endLeases(next, (lease) => lease.holder === whose)) {
      return { status: 'ignored', reason: `${whose} holds nothing of it` };
    }
    return finish(next, 'accepted');
  },

  'lease.expired'(twin, envelope, now, destinations) {
    const next = new TurnBuilder(twin, envelope, now, destinations);
    const isOver = ({ until }: Lease) => until <= now;
    if (!endLeases(next, isOver, envelope.event.failed !== true)) {
      return { status: 'ignored', reason: 'it has come to an end already' };
    }
    return finish(next, 'accepted');
  },

  'alert.acknowledged'(twin, envelope, now, destinations) {
    const found = Object.entries(twin.state.alerts).find(
      ([, alert]) => alert.id === envelope.event.alert,
    );
    if (!found) return { status: 'ignored', reason: 'the alert has been cleared' };
    const [key, alert] = found;
    if (alert.acknowledgedAt !== null) {
      return { status: 'ignored', reason: `acknowledged by ${alert.acknowledgedBy}` };
    }
    const event: EventData = { type: 'alert.acknowledged', alert: alert.id, key };
    const next = new TurnBuilder(twin, { ...envelope, event }, now, destinations);
    setAlert(
      next,
      key,
      { ...alert, acknowledgedAt: now, acknowledgedBy: envelope.principal },
      'acknowledged',
    );
    if ('alert.acknowledged' in twin.kindOf.events) feed(next, event, now);
    return finish(next, 'accepted');
  },

  /** A new name or room. The rooms concerned are told. */
  'twin.changed'(twin, envelope, now, destinations) {
    const { name, room } = envelope.event;
    const next = new TurnBuilder(twin, envelope, now, destinations);
    if (typeof name === 'string') next.name = name;
    if (room !== undefined && room !== twin.room) {
      const member = { member: twin.twin, kind: twin.kind };
      if (twin.room !== null) next.followUp(twin.room, { type: 'member.left', ...member });
      if (room !== null) next.followUp(String(room), { type: 'member.joined', ...member });
      next.room = room === null ? null : String(room);
    }
    return finish(next, 'accepted');
  },
};

function hintFor(type: string): string {
  return type === 'ack'
    ? 'Send {"id": "<the command\'s id>", "ok": true}, or "ok": false with "error".'
    : 'See what the event carries in engine/model/vocabulary.ts.';
}

/** @throws EngineError `unknown-event`, `bad-input` */
export function parseEvent(kind: AnyKind, event: EventData): EventData {
  const schema = own<z.ZodObject>(kind.events, event.type);
  if (!schema) {
    throw new EngineError('unknown-event', `a ${kind.kind} knows no event "${event.type}"`, {
      hint: `It knows: ${Object.keys(kind.events).join(', ')}.`,
    });
  }
  return parseData(
    schema,
    event,
    `The description of the kind "${kind.kind}" says what "${event.type}" may carry.`,
  );
}
