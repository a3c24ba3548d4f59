/** Measurements of a turn. */
import { EngineError } from '../model/errors.ts';
import type { Measurements } from '../model/kind.ts';
import { own } from '../model/own.ts';
import type { TwinState } from '../model/twin-state.ts';
import { addSample, isMeasurable, MEASUREMENT_LIMIT } from './rollups.ts';
import type { TurnBuilder } from './turn-builder.ts';

/** Gathers the turn's measurements. @param at when they were taken, epoch ms @throws EngineError `bad-input` for a number that is none */
export function takeSamples(turn: TurnBuilder, at: number): void {
  const { before, snapshot, state, address } = turn;
  const { kindOf, view } = before;
  const names: Measurements =
    typeof kindOf.measurements === 'function'
      ? kindOf.measurements(snapshot.context)
      : kindOf.measurements;
  const { event, folded } = turn.envelope;
  const reported = event.type === 'telemetry' ? undefined : kindOf.view(snapshot.context).reported;
  let buckets: TwinState['buckets'] | undefined;
  for (const name of Object.keys(names)) {
    const value = reported
      ? reported[name] === view.reported[name]
        ? undefined
        : reported[name]
      : event[name];
    if (typeof value !== 'number') continue;
    if (!isMeasurable(value)) throw unmeasurable(event.type, name, value);
    const stats = folded?.fields[name];
    buckets ??= { ...state.buckets };
    const sample = stats
      ? { at, ...stats, last: value }
      : { at, count: 1, sum: value, min: value, max: value, last: value };
    const added = addSample(address, name, own(buckets, name), sample);
    buckets[name] = added.open;
    turn.rollups.push(...added.rows);
  }
  if (buckets) state.buckets = buckets;
}

function unmeasurable(type: string, name: string, value: number): EngineError {
  return new EngineError('bad-input', `${type}: ${name}: ${value} cannot be a measurement`, {
    hint: `A measurement lies between -${MEASUREMENT_LIMIT} and ${MEASUREMENT_LIMIT}; leave out what was not measured.`,
  });
}
