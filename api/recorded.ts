/** What of a twin has a history: its measurements, and its states and reported values as bands. */
import {
  type AnyKind,
  type BandPath,
  keyOf,
  type Measurements,
  parseBandPath,
  type TwinRow,
} from '../engine/index.ts';
import { Refusal } from './problem.ts';

/** @throws Refusal for something that the twin does not and never did measure */
export function unitOf(
  kind: AnyKind | undefined,
  row: TwinRow,
  measurement: string,
): string | null {
  const measurements = measurementsOf(kind, row);
  const known = Object.hasOwn(measurements, measurement) ? measurements[measurement] : undefined;
  if (known) return known.unit;
  if (Object.hasOwn(row.state.buckets, measurement)) return null;
  throw new Refusal('malformed', `${keyOf(row)} has no measurement "${measurement}"`, {
    hint: `It has: ${Object.keys(measurements).join(', ') || 'none'}.`,
    errors: [{ path: 'querystring.measurement', message: 'is not one of this twin' }],
  });
}

/** @throws Refusal for a text that is no path, and for what is measured */
export function bandPathOf(kind: AnyKind | undefined, row: TwinRow, text: string): BandPath {
  const path = parseBandPath(text);
  const errors = [{ path: 'querystring.path', message: 'is not a path of bands' }];
  if (!path) {
    throw new Refusal('malformed', `"${text}" is not a path of bands`, {
      hint: 'Paths are `state`, `state.<region>` and `reported.<name>`.',
      errors,
    });
  }
  if (path.of === 'reported' && Object.hasOwn(measurementsOf(kind, row), path.key)) {
    throw new Refusal('malformed', `"${path.key}" of ${keyOf(row)} is a number`, {
      hint: `It has points instead of bands: ask for the measurement "${path.key}".`,
      errors,
    });
  }
  return path;
}

function measurementsOf(kind: AnyKind | undefined, row: TwinRow): Measurements {
  const declared: unknown = kind?.measurements ?? {};
  return (typeof declared === 'function' ? declared(row.state.context) : declared) as Measurements;
}
