import { z } from 'zod';
import { iso, Moment } from '../../contract/moment.ts';
import type { Backtest, Deed } from '../trial/backtest.ts';

/** Deeds of a list that an answer holds; the counts are of all. */
const MAX_DEEDS = 500;

const DeedValue = z
  .object({
    at: Moment,
    type: z.enum(['set', 'release', 'command', 'send', 'alert', 'clear', 'notify', 'webhook']),
    what: z.string().describe('In one line, such as `lamp {"on":true}`.'),
  })
  .meta({ id: 'Deed', description: 'Something that a rule would have done.' });
const Performance = z
  .object({
    runs: z.int(),
    failed: z.int(),
    count: z.int().describe('Of all its deeds.'),
    deeds: z.array(DeedValue).describe(`The first ${MAX_DEEDS}.`),
  })
  .meta({ id: 'Performance' });

export const BacktestResult = z
  .object({
    from: Moment,
    to: Moment,
    turns: z.int().describe('Turns of the past that it watched.'),
    draft: Performance,
    live: Performance.nullable().describe('The version that is live; null: there is none.'),
    more: z.array(DeedValue).describe('What the draft does and the live version does not.'),
    fewer: z.array(DeedValue).describe('The other way round.'),
  })
  .meta({ id: 'BacktestResult' });

export function toBacktest({
  span,
  turns,
  draft,
  live,
  more,
  fewer,
}: Backtest): z.input<typeof BacktestResult> {
  const performance = ({ runs, failed, deeds }: Backtest['draft']) => ({
    runs,
    failed,
    count: deeds.length,
    deeds: listed(deeds),
  });
  return {
    from: iso(span.from),
    to: iso(span.to),
    turns,
    draft: performance(draft),
    live: live && performance(live),
    more: listed(more),
    fewer: listed(fewer),
  };
}

function listed(deeds: readonly Deed[]): z.input<typeof DeedValue>[] {
  return deeds.slice(0, MAX_DEEDS).map((deed) => ({ ...deed, at: iso(deed.at) }));
}
