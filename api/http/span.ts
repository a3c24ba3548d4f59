import { z } from 'zod';
import { Refusal } from '../problem.ts';
import { MomentText } from './moment.ts';

const DAY_MS = 24 * 60 * 60_000;
/** Folding what has happened anew takes seconds for a month of a home. */
export const MOST_DAYS = 31;

/** A span of the past, in a query. */
export const SpanQuery = z.object({
  from: MomentText.optional().describe(
    'ISO 8601 or epoch ms, inclusive. Default: a day before `to`.',
  ),
  to: MomentText.optional().describe('ISO 8601 or epoch ms, exclusive. Default: now.'),
});

/** @throws Refusal `bad-input` for a span that is none, or too long */
export function spanOf(
  { from, to }: { from?: number | undefined; to?: number | undefined },
  now: number,
): { from: number; to: number } {
  const end = to ?? now + 1;
  const begin = from ?? Math.max(0, end - DAY_MS);
  if (begin >= end) throw new Refusal('bad-input', '"from" must be before "to"');
  if (end - begin > MOST_DAYS * DAY_MS) {
    throw new Refusal('bad-input', `at most ${MOST_DAYS} days at once`);
  }
  return { from: begin, to: end };
}
