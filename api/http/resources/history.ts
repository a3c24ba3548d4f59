import { z } from 'zod';
import type { HistoryPoint } from '../../../engine/index.ts';
import { iso, Moment } from '../../../features/contract/moment.ts';

export const Resolution = z.enum(['raw', '5m', '1h', '1d']);

const Sample = z
  .object({ at: Moment, value: z.number() })
  .meta({ id: 'Sample', description: 'One measured value.' });
const Bucket = z
  .object({
    at: Moment.describe('Where the bucket begins.'),
    min: z.number(),
    max: z.number(),
    mean: z.number(),
    last: z.number(),
    count: z.int().describe('Samples in it.'),
  })
  .meta({ id: 'Bucket', description: 'What the samples of one bucket of time come to.' });

export const History = z
  .object({
    home: z.string(),
    twin: z.string(),
    measurement: z.string(),
    unit: z.string().nullable(),
    resolution: Resolution,
    from: Moment,
    to: Moment,
    points: z
      .array(z.union([Bucket, Sample]))
      .describe('Oldest first: samples at resolution `raw`, buckets at the others.'),
    truncated: z
      .boolean()
      .describe(
        'There may be more than is read at once: ask for less time, or a coarser resolution.',
      ),
  })
  .meta({ id: 'History', description: 'One measurement of a twin over a span of time.' });
export type History = z.infer<typeof History>;

/** Spelt out: there may be thousands. */
export function toPoint(point: HistoryPoint): History['points'][number] {
  const at = iso(point.at);
  if ('value' in point) return { at, value: point.value };
  const { min, max, mean, last, count } = point;
  return { at, min, max, mean, last, count };
}
