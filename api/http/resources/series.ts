/** Many histories at once, in columns. */
import { z } from 'zod';
import { JsonValue } from '../../../features/contract/json-value.ts';
import { Moment } from '../../../features/contract/moment.ts';
import { QueryText } from '../../../features/contract/parameters.ts';
import { SpanBody } from '../../../features/contract/span.ts';
import { FEWEST_POINTS, REDUCTIONS } from '../../thinning.ts';
import { Resolution } from './history.ts';

/** Series of one request. */
const MAX_SERIES = 50;
/** Points of one series in an answer, and of all of them. */
const MAX_POINTS = 20_000;
const MAX_POINTS_OF_ALL = 100_000;
const DEFAULT_POINTS = 1_000;

const AGGREGATES = ['mean', 'min', 'max', 'last', 'count'] as const;

const AskedSeries = z
  .object({
    twin: z.string().max(64),
    measurement: QueryText.optional().describe('Either this: one that the twin’s kind lists.'),
    path: QueryText.optional().describe('Or this: a path of bands, as in `…/bands`.'),
    aggregate: z
      .enum(AGGREGATES)
      .default('mean')
      .describe('Which value of each bucket; of samples there is only one.'),
  })
  .meta({ id: 'AskedSeries', description: 'What of which twin.' });
export type AskedSeries = z.infer<typeof AskedSeries>;

export const HistoryQuestion = SpanBody.extend({
  resolution: z
    .enum([...Resolution.options, 'auto'])
    .default('auto')
    .describe('Of measurements. `auto`: the finest that shows the span well.'),
  maxPoints: z
    .int()
    .min(FEWEST_POINTS)
    .max(MAX_POINTS)
    .default(DEFAULT_POINTS)
    .describe(
      `Points of a measurement, at most; together with the number of series at most ${MAX_POINTS_OF_ALL}.`,
    ),
  reduction: z
    .enum(REDUCTIONS)
    .default('lttb')
    .describe(
      'How there become fewer. `lttb`: largest triangle three buckets, which keeps the look of a curve. `min-max`: the lowest and the highest of each stretch, which keeps every peak.',
    ),
  series: z.array(AskedSeries).min(1).max(MAX_SERIES),
})
  .refine(({ maxPoints, series }) => maxPoints * series.length <= MAX_POINTS_OF_ALL, {
    path: ['maxPoints'],
    message: `times the number of series must not be more than ${MAX_POINTS_OF_ALL}`,
  })
  .meta({
    id: 'HistoryQuestion',
    examples: [
      {
        from: '2026-01-01T00:00:00Z',
        to: '2026-02-01T00:00:00Z',
        maxPoints: 500,
        series: [
          { twin: 'heater', measurement: 'power', aggregate: 'max' },
          { twin: 'heater', path: 'reported.on' },
        ],
      },
    ],
  });
export type HistoryQuestion = z.infer<typeof HistoryQuestion>;

const asAsked = {
  twin: z.string(),
  measurement: z.string().optional(),
  path: z.string().optional(),
};
const truncated = z.boolean().describe('There was more than is read at once: ask for less time.');

const MeasuredSeries = z.object({
  ...asAsked,
  measurement: z.string(),
  aggregate: z.enum(AGGREGATES).nullable().describe('Null: the values are samples.'),
  unit: z.string().nullable(),
  reduction: z.enum(['none', ...REDUCTIONS]).describe('How points were left out.'),
  at: z
    .array(z.number())
    .describe('Epoch ms, as charts take them: of samples, or where buckets begin.'),
  values: z.array(z.number()),
  truncated,
});
const BandSeries = z.object({
  ...asAsked,
  path: z.string(),
  at: z.array(z.number()).describe('Epoch ms: where each band begins.'),
  until: z.array(z.number()).describe('Epoch ms: where each ends, exclusive.'),
  values: z.array(JsonValue),
  truncated,
});
const FailedSeries = z.object({
  ...asAsked,
  error: z.object({ code: z.string(), detail: z.string(), hint: z.string().optional() }),
});
export type Series =
  | z.infer<typeof MeasuredSeries>
  | z.infer<typeof BandSeries>
  | z.infer<typeof FailedSeries>;

export const HistoryColumns = z
  .object({
    home: z.string(),
    from: Moment,
    to: Moment,
    resolution: Resolution.describe('Of measurements.'),
    series: z
      .array(z.union([MeasuredSeries, BandSeries, FailedSeries]))
      .describe(
        'In the order of the question. One that cannot be read has an `error` instead of columns.',
      ),
  })
  .meta({
    id: 'HistoryColumns',
    description: 'Histories over one span of time.',
    examples: [
      {
        home: 'home',
        from: '2026-01-05T00:00:00.000Z',
        to: '2026-01-06T00:00:00.000Z',
        resolution: '5m',
        series: [
          {
            twin: 'heater',
            measurement: 'power',
            aggregate: 'max',
            unit: 'W',
            reduction: 'none',
            at: [1767571200000, 1767571500000],
            values: [0, 1800],
            truncated: false,
          },
          {
            twin: 'heater',
            path: 'reported.on',
            at: [1767571200000, 1767571500000],
            until: [1767571500000, 1767657600000],
            values: [false, true],
            truncated: false,
          },
          {
            twin: 'boiler',
            measurement: 'power',
            error: { code: 'unknown-twin', detail: 'there is no twin home/boiler' },
          },
        ],
      },
    ],
  });
