import { keyOf } from '../model/envelope.ts';
import type { Json } from '../model/json.ts';
import type { Aspect, Observation } from '../model/observation.ts';
import type { LiveTwin } from './live-twin.ts';
import type { Turned } from './turned.ts';

export function observationOf(before: LiveTwin | null, turned: Turned): Observation {
  const { twin, journal } = turned;
  return {
    home: twin.home,
    twin: twin.twin,
    kind: twin.kind,
    name: twin.name,
    before: before && aspectOf(before),
    after: aspectOf(twin),
    event: journal.event,
    eventId: journal.eventId,
    at: journal.at,
    receivedAt: journal.receivedAt,
    turn: `${keyOf(twin)}@${twin.revision}`,
    intents: turned.intents,
    alerts: turned.alerts,
  };
}

export function aspectOf({ snapshot, view, state, room }: LiveTwin): Aspect {
  return {
    state: snapshot.value as Json,
    reported: view.reported,
    desired: view.desired,
    settings: view.settings,
    alerts: Object.keys(state.alerts),
    room,
  };
}
