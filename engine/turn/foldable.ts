/** Whether telemetry may be coalesced with other telemetry of its twin. */
import type { Envelope } from '../model/envelope.ts';
import type { AnyKind } from '../model/kind.ts';
import { isMeasurable } from './rollups.ts';
import { parseEvent } from './turn.ts';

/** An event as its kind describes it, with numbers that can be added up: what is not has to fail alone. */
export function isFoldable(kinds: ReadonlyMap<string, AnyKind>, envelope: Envelope): boolean {
  const kind = envelope.kind === undefined ? undefined : kinds.get(envelope.kind);
  if (!kind) return false;
  try {
    parseEvent(kind, envelope.event);
    return Object.values(envelope.event).every(
      (value) => typeof value !== 'number' || isMeasurable(value),
    );
  } catch {
    // Only a question here: the event gets its turn, and there its refusal with a reason
    return false;
  }
}
