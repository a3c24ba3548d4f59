/** What must hold whatever broke. Each returns what was violated, as an operator would want to read it. */
import { type JournalRow, keyOf } from '../../engine/index.ts';
import { commandViolations } from './command-invariants.ts';
import type { Evidence, TwinEvidence } from './evidence.ts';
import type { Model } from './model.ts';
import { projectionViolations } from './projection-invariants.ts';
import type { Waivers } from './waivers.ts';

/** Deadlines that had come this long before the engine stopped must have fired. */
const TIMER_SLACK_MS = 5_000;

export function violations(model: Model, evidence: Evidence, waivers: Waivers = {}): string[] {
  return [
    ...eventViolations(model, evidence, waivers),
    ...anonymousViolations(model, evidence, waivers),
    ...evidence.twins.flatMap(revisionViolations),
    ...evidence.twins.flatMap(replayViolations),
    ...evidence.twins.flatMap((twin) => timerViolations(twin, evidence, model)),
    ...commandViolations(model, evidence, waivers),
    ...projectionViolations(evidence.projection),
    ...evidence.deadLetters
      .filter(() => !waivers.deadLetters)
      .map(({ home, twin, code, error }) => `dead letter of ${home}/${twin}: ${code}: ${error}`),
  ];
}

/** Acknowledged: exactly once. Sent and not acknowledged: at most once. In its own twin only. */
function eventViolations(model: Model, { twins }: Evidence, { brokerLost }: Waivers): string[] {
  const found = new Map<string, string[]>();
  for (const { twin, journal } of twins) {
    for (const row of journal) {
      if (!isReported(row) || !model.events.has(row.eventId)) continue;
      const places = found.get(row.eventId) ?? [];
      places.push(`${keyOf(twin)}@${row.revision}`);
      found.set(row.eventId, places);
    }
  }
  const wrong: string[] = [];
  for (const event of model.events.values()) {
    const places = found.get(event.id) ?? [];
    if (places.length > 1) wrong.push(`event ${event.id} counted at ${places.join(' and ')}`);
    if (event.acknowledged && places.length === 0 && !brokerLost) {
      wrong.push(`event ${event.id} was acknowledged and is in no journal`);
    }
    if (places.some((place) => !place.startsWith(`${keyOf(event)}@`))) {
      wrong.push(`event ${event.id} of ${keyOf(event)} is at ${places.join(' and ')}`);
    }
  }
  return wrong;
}

/** Telemetry without ids: as many samples as were acknowledged, folded or not. */
function anonymousViolations(model: Model, { twins }: Evidence, { brokerLost }: Waivers): string[] {
  if (brokerLost) return [];
  const journals = new Map(twins.map(({ twin, journal }) => [keyOf(twin), journal]));
  const wrong: string[] = [];
  for (const [key, { sent, acknowledged }] of model.anonymous) {
    const samples = (journals.get(key) ?? [])
      .filter((row) => row.event.type === 'telemetry' && !model.events.has(row.eventId))
      .reduce((sum, row) => sum + samplesOf(row), 0);
    if (samples < acknowledged || samples > sent) {
      wrong.push(
        `${key} counts ${samples} samples; ${sent} were sent, ${acknowledged} acknowledged`,
      );
    }
  }
  return wrong;
}

function samplesOf({ event }: JournalRow): number {
  const folded = event['folded'] as { samples: number } | undefined;
  return folded?.samples ?? 1;
}

function revisionViolations({ twin, journal }: TwinEvidence): string[] {
  const gap = journal.findIndex((row, index) => row.revision !== index);
  if (gap >= 0) return [`${keyOf(twin)}: revision ${journal[gap]?.revision} stands at ${gap}`];
  const last = journal.length - 1;
  return twin.revision === last
    ? []
    : [`${keyOf(twin)} is at revision ${twin.revision}, its journal ends at ${last}`];
}

function replayViolations({ twin, replays }: TwinEvidence): string[] {
  return replays
    .filter(({ ok }) => !ok)
    .map(
      ({ from, differences }) =>
        `${keyOf(twin)}: replay from ${from} differs: ${JSON.stringify(differences.slice(0, 3))}`,
    );
}

/** Each deadline fires once, never early, and none that has come is left. */
function timerViolations(
  { twin, journal }: TwinEvidence,
  evidence: Evidence,
  model: Model,
): string[] {
  const wrong: string[] = [];
  const fired = new Set<string>();
  for (const { event, receivedAt, revision } of journal) {
    if (event.type !== 'timer.fired') continue;
    const deadline = `${String(event['timer'])} due ${String(event['due'])}`;
    if (fired.has(deadline))
      wrong.push(`${keyOf(twin)}@${revision}: timer ${deadline} fired twice`);
    fired.add(deadline);
    if (receivedAt < Number(event['due'])) {
      wrong.push(`${keyOf(twin)}@${revision}: timer ${deadline} fired at ${receivedAt}, early`);
    }
  }
  const overdue = evidence.readAt + model.clockOffsetMs - TIMER_SLACK_MS;
  for (const { id, due } of twin.state.timers) {
    if (due < overdue)
      wrong.push(`${keyOf(twin)}: timer ${id} was due at ${due} and has not fired`);
  }
  return wrong;
}

/** A row that somebody's own event made, not one that followed from it under the same id. */
function isReported({ source }: JournalRow): boolean {
  return source === 'mqtt' || source === 'rest';
}
