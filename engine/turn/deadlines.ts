import type { Envelope, EventData } from '../model/envelope.ts';
import { deadlineId } from '../model/turn-ids.ts';
import { firstEnd } from './leases.ts';
import type { LiveTwin } from './live-twin.ts';

/** The first deadline of a twin that has come: a timer, a lease's end, or a command nobody confirmed. */
export function dueEvent({ state }: LiveTwin, now: number): EventData | null {
  const intent = state.pending.find(({ expiresAt }) => expiresAt <= now);
  let timer: (typeof state.timers)[number] | undefined;
  for (const candidate of state.timers) {
    if (candidate.due <= now && (!timer || candidate.due < timer.due)) timer = candidate;
  }
  const leaseEnd = firstEnd(state.leases) ?? Number.POSITIVE_INFINITY;
  const others = Math.min(
    timer?.due ?? Number.POSITIVE_INFINITY,
    intent?.expiresAt ?? Number.POSITIVE_INFINITY,
  );
  if (leaseEnd <= now && leaseEnd <= others) return { type: 'lease.expired', until: leaseEnd };
  if (timer && (!intent || timer.due <= intent.expiresAt)) {
    return { type: 'timer.fired', timer: timer.id, due: timer.due };
  }
  return intent ? { type: 'intent.expired', intent: intent.id } : null;
}

/** A deadline as an event of its twin. That of a command continues the command's chain of causes; a timer begins one. */
export function deadlineEnvelope(twin: LiveTwin, event: EventData, now: number): Envelope {
  const what = event.timer ?? event.intent ?? 'lease';
  const id = deadlineId(twin, twin.revision + 1, twin.life, String(what));
  const intent = twin.state.pending.find((pending) => pending.id === event.intent);
  return {
    id,
    dedupe: false,
    home: twin.home,
    twin: twin.twin,
    event,
    at: now,
    source: 'timer',
    sender: 'engine',
    cause: intent?.cause ?? null,
    correlation: intent?.correlation ?? id,
    principal: intent?.principal ?? 'engine',
    ifUnknown: 'reject',
  };
}
