/** The rows of a turn, and the twin's next revision. */
import { persist } from '../kernel/kernel.ts';
import { type Envelope, type EventData, idHash, isExternal, keyOf } from '../model/envelope.ts';
import { EngineError } from '../model/errors.ts';
import { type Json, sameJson } from '../model/json.ts';
import { labelChanges } from '../model/labels.ts';
import { own } from '../model/own.ts';
import type { LogRow } from '../model/rows.ts';
import { deliveriesOf } from './deliveries.ts';
import { feed } from './feed.ts';
import type { LiveTwin } from './live-twin.ts';
import { remember } from './seen.ts';
import { lazyWakeAt, nextDue } from './timers.ts';
import type { TurnBuilder } from './turn-builder.ts';
import type { Turned } from './turned.ts';

/** Outcomes of its own commands that a machine may hear of in one turn; beyond it is in a loop. */
const MAX_OUTCOMES = 32;

/** @throws what the machine throws when it hears what has become of its commands */
export function finish(turn: TurnBuilder, status: Turned['status']): Turned {
  hearOutcomes(turn);
  const { before, envelope, state, snapshot } = turn;
  const external = isExternal(envelope);
  const { value, historyValue, context } = persist(snapshot);
  const wasValue = before.state.value;
  state.value = value;
  state.historyValue = historyValue;
  state.context = context;
  // What comes through a door of the composition root may come again, too
  if (external || envelope.dedupe) rememberEvent(turn);

  const born = before.revision < 0;
  // What a migration of the kind has changed is in no turn: the first one after it tells all
  const isNew = born || before.migratedFrom !== undefined;
  const view =
    snapshot.context === before.snapshot.context
      ? before.view
      : before.kindOf.view(snapshot.context);
  const isDesiredNew =
    (view.desired !== before.view.desired && !sameJson(view.desired, before.view.desired)) ||
    (born && Object.keys(view.desired).length > 0);
  const twin = nextRevision(turn, view);
  const journal: LogRow = {
    home: before.home,
    twin: before.twin,
    revision: turn.revision,
    at: envelope.at,
    receivedAt: turn.now,
    event: journaled(envelope),
    eventId: envelope.id,
    source: envelope.source,
    cause: envelope.cause,
    correlation: envelope.correlation,
    principal: envelope.principal,
    dedupe: envelope.dedupe,
    late: status === 'late',
    state: isNew || !sameJson(value, wasValue) ? (value as Json) : null,
    reported: labelChanges(isNew ? {} : before.view.reported, view.reported),
    effects: turn.effects,
    desired: isDesiredNew ? view.desired : null,
    epoch: before.epoch,
    writer: -1,
    seq: 0,
  };
  const deliveries = deliveriesOf(journal, twin, turn.destinations);
  const { withdrawn } = turn;
  return {
    status,
    twin,
    journal,
    intents: [...turn.intents.values()],
    alerts: [...turn.alerts.values()],
    deliveries:
      withdrawn.length === 0 ? deliveries : deliveries.filter(({ id }) => !withdrawn.includes(id)),
    withdrawn,
    rollups: turn.rollups,
    followUps: turn.followUps,
    overruled: turn.overruled,
  };
}

/** Spelt out, as copying with `...` costs several times more; `migratedFrom` ends here. */
function nextRevision(turn: TurnBuilder, view: LiveTwin['view']): LiveTwin {
  const { before, envelope, state, room } = turn;
  return {
    home: before.home,
    twin: before.twin,
    kind: before.kind,
    incarnation: before.incarnation,
    epoch: before.epoch,
    life: before.life,
    version: before.version,
    name: turn.name,
    room,
    via: envelope.via ?? before.via,
    revision: turn.revision,
    state,
    createdAt: before.createdAt,
    relations:
      room === before.room
        ? before.relations
        : { ...before.relations, room: room === null ? [] : [room] },
    kindOf: before.kindOf,
    snapshot: turn.snapshot,
    view,
    wakeAt: lazyWakeAt(before.wakeAt, nextDue(state)),
    updatedAt: turn.now,
    lastEventAt:
      isExternal(envelope) && before.revision >= 0
        ? Math.max(before.lastEventAt ?? 0, envelope.at)
        : before.lastEventAt,
  };
}

function hearOutcomes(turn: TurnBuilder): void {
  for (let heard = 0; ; heard++) {
    const outcome = turn.outcomes.shift();
    if (!outcome) return;
    if (heard === MAX_OUTCOMES) {
      throw new EngineError(
        'machine-failed',
        `${keyOf(turn.before)} answers the outcomes of its commands with commands without end`,
        { hint: 'Do not send a command again from the event that says it was superseded.' },
      );
    }
    feed(turn, outcome, turn.now);
  }
}

/** The twin knows the event again, and when the last of its type happened. */
function rememberEvent({ state, envelope, now }: TurnBuilder): void {
  const ids = envelope.folded?.ids ?? [idHash(envelope.id)];
  state.seen = remember(state.seen, ids, now);
  const { type } = envelope.event;
  const latest = own(state.lastAt, type);
  if (latest === undefined || envelope.at > latest) {
    state.lastAt = { ...state.lastAt, [type]: envelope.at };
  }
}

/** The event with what the engine adds to it and replay needs. */
function journaled({ event, folded, facts, claim }: Envelope): EventData {
  if (!folded && !facts && !claim) return event;
  return {
    ...event,
    ...(folded && { folded: folded as unknown as Json }),
    ...(facts && { facts }),
    ...(claim && { claim: claim as unknown as Json }),
  };
}
