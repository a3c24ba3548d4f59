import { z } from 'zod';
import { FeatureError } from './feature-error.ts';
import { MomentText, MomentValue } from './moment.ts';

const DAY_MS = 24 * 60 * 60_000;
/** Folding what has happened anew takes seconds for a month of a home. */
export const MAX_DAYS = 31;

const FROM = 'ISO 8601 or epoch ms, inclusive. Default: a day before `to`.';
const TO = 'ISO 8601 or epoch ms, exclusive. Default: now.';

/** A span of the past, in a query. */
export const SpanQuery = z.object({
  from: MomentText.optional().describe(FROM),
  to: MomentText.optional().describe(TO),
});
/** The same in a body. */
export const SpanBody = z.object({
  from: MomentValue.optional().describe(FROM),
  to: MomentValue.optional().describe(TO),
});

interface Given {
  from?: number | undefined;
  to?: number | undefined;
}

/** @throws FeatureError `bad-input` for a span that is none, or too long */
export function spanOf(given: Given, now: number): { from: number; to: number } {
  const { from, to } = endsOf(given, now);
  if (from >= to) throw new FeatureError('bad-input', '"from" must be before "to"');
  if (to - from > MAX_DAYS * DAY_MS) {
    throw new FeatureError('bad-input', `at most ${MAX_DAYS} days at once`);
  }
  return { from, to };
}

/** A span of any length, of what is read without folding. @throws FeatureError `malformed` for one that is none */
export function anySpanOf(given: Given, now: number): { from: number; to: number } {
  const { from, to } = endsOf(given, now);
  if (from >= to) throw new FeatureError('malformed', '"from" must be before "to"');
  return { from, to };
}

function endsOf({ from, to }: Given, now: number): { from: number; to: number } {
  // The open end shows what has just been measured
  const end = to ?? now + 1;
  return { from: from ?? Math.max(0, end - DAY_MS), to: end };
}
