/** Moments: ISO 8601 in answers; ISO 8601 or epoch milliseconds in requests. */
import { z } from 'zod';

/** A moment in an answer. */
export const Moment = z.iso.datetime().meta({ examples: ['2026-01-05T12:00:00.000Z'] });

const DAY_MS = 24 * 60 * 60_000;
/** The day of the moment before: most moments of an answer lie close to each other. */
const day = { number: Number.NaN, text: '' };

/** Like `Date.prototype.toISOString`, at a fifth of its cost. @throws RangeError for what is no moment */
export function iso(epochMs: number): string {
  const ms = Math.trunc(epochMs);
  const number = Math.floor(ms / DAY_MS);
  if (number !== day.number) {
    day.text = new Date(number * DAY_MS).toISOString().slice(0, -'00:00:00.000Z'.length);
    day.number = number;
  }
  const inDay = ms - number * DAY_MS;
  const seconds = Math.floor(inDay / 1_000);
  const minutes = Math.floor(seconds / 60);
  const [h, m, s] = [Math.floor(minutes / 60), minutes % 60, seconds % 60];
  return `${day.text}${digits(h, 2)}:${digits(m, 2)}:${digits(s, 2)}.${digits(inDay % 1_000, 3)}Z`;
}

function digits(value: number, count: 2 | 3): string {
  const text = value < 10 ? `0${value}` : `${value}`;
  return count === 3 && value < 100 ? `0${text}` : text;
}

/** The member, or nothing at all where there is no moment. */
export function momentIf<K extends string>(key: K, epochMs: number | null): { [P in K]?: string } {
  return (epochMs === null ? {} : { [key]: iso(epochMs) }) as { [P in K]?: string };
}

/** `Date.parse` takes far more than ISO 8601, and differently on each engine. */
const MOMENT =
  /^(\d{1,15}|\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])(T([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d+)?)?(Z|[+-]([01]\d|2[0-3]):?[0-5]\d))?)$/;

/** A moment in a query: text, of either form. Gives epoch ms. */
export const MomentText = z
  .string()
  .transform((text, context) => {
    const moment = parse(text);
    if (moment !== null) return moment;
    context.addIssue(
      'must be an ISO 8601 moment such as 2026-01-05T12:00:00Z, or epoch milliseconds',
    );
    return z.NEVER;
  })
  // Without its type, a union with it would be documented without it
  .meta({ type: 'string', pattern: MOMENT.source });

/** The first and the last moment that an answer can say: ISO 8601 has four digits for the year. */
const FIRST = Date.parse('0000-01-01T00:00:00Z');
const LAST = Date.parse('9999-12-31T23:59:59.999Z');

/** A moment in a JSON body: text as in a query, or a number. Gives epoch ms. */
export const MomentValue = z.union([z.number().int().min(FIRST).max(LAST), MomentText]);

function parse(text: string): number | null {
  if (!MOMENT.test(text)) return null;
  const moment = /^\d+$/.test(text) ? Number(text) : Date.parse(text);
  return moment >= FIRST && moment <= LAST ? moment : null;
}
