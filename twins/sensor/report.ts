import { heard } from '../settings/merge.ts';
import type { Context, Reported } from './context.ts';
import { FLAGS } from './events.ts';
import { MEASURED_NAMES } from './measurements.ts';

const KNOWN = new Set<string>([...MEASURED_NAMES, ...FLAGS]);

/** What is known after a report: the fields every sensor has, and those that its settings name. */
export function report(
  { reported, settings }: Context,
  telemetry: { [field: string]: unknown },
): Reported {
  const fields = Object.keys(telemetry).filter(
    (name) =>
      KNOWN.has(name) ||
      (typeof telemetry[name] === 'number' && Object.hasOwn(settings.measurements, name)),
  );
  return heard(reported, telemetry as Partial<Reported>, fields);
}
