/** Moments: ISO 8601 in answers; ISO 8601 or epoch milliseconds in requests. */
import { z } from 'zod';

/** A moment in an answer. */
export const Moment = z.iso.datetime().meta({ examples: ['2026-01-05T12:00:00.000Z'] });

export function iso(epochMs: number): string {
  return new Date(epochMs).toISOString();
}

/** The member, or nothing at all where there is no moment. */
export function momentIf<K extends string>(key: K, epochMs: number | null): { [P in K]?: string } {
  return (epochMs === null ? {} : { [key]: iso(epochMs) }) as { [P in K]?: string };
}

/** A moment in a query: text, of either form. Gives epoch ms. */
export const MomentText = z.string().transform((text, context) => {
  const moment = parse(text);
  if (moment !== null) return moment;
  context.addIssue(
    'must be an ISO 8601 moment such as 2026-01-05T12:00:00Z, or epoch milliseconds',
  );
  return z.NEVER;
});

/** A moment in a JSON body: text as in a query, or a number. Gives epoch ms. */
export const MomentValue = z.union([z.number().int(), MomentText]);

/** The largest moment that Date can say. */
const LAST = 8.64e15;

function parse(text: string): number | null {
  if (/^\d{1,16}$/.test(text)) return Number(text) <= LAST ? Number(text) : null;
  // Date.parse takes far more than ISO 8601, and differently on each engine
  if (!/^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d))?$/.test(text)) return null;
  const parsed = Date.parse(text);
  return Number.isNaN(parsed) ? null : parsed;
}
