import { z } from 'zod';
import { fittingResolution, type HistoryPoint, mustReadTwin } from '../../../../engine/index.ts';
import { iso } from '../../../../features/contract/moment.ts';
import { QueryText, TwinPath } from '../../../../features/contract/parameters.ts';
import { anySpanOf, SpanQuery } from '../../../../features/contract/span.ts';
import { always, json, notFound } from '../../../http/answers.ts';
import type { App, RouteContext } from '../../../http/app.ts';
import { asksForCsv, type Cell, csvContent, csvOf } from '../../../http/csv.ts';
import { History, Resolution, toPoint } from '../../../http/resources/history.ts';
import { unitOf } from '../../../recorded.ts';

/** Columns of CSV. */
const SAMPLE = ['at', 'value'];
const BUCKET = ['at', 'min', 'max', 'mean', 'last', 'count'];

const HistoryQuery = SpanQuery.extend({
  measurement: QueryText.describe('One of those that the twin’s kind lists.'),
  resolution: z
    .enum([...Resolution.options, 'auto'])
    .default('auto')
    .describe('`auto`: the finest that shows the span in a reasonable number of points.'),
});

export function historyRoutes(app: App, { engine }: RouteContext): void {
  const answer = json('The history.', History);
  app.get(
    '/homes/:home/twins/:twin/history',
    {
      // Thousands of points: checking each against the schema again takes longer than writing it
      serializerCompiler: () => JSON.stringify,
      config: { action: 'twin.explain' },
      schema: {
        operationId: 'readHistory',
        tags: ['Explaining'],
        summary: 'Read what a twin measured over time',
        description:
          'Samples at resolution `raw`, else minimum, maximum, mean, last value and count of each bucket. As CSV with `Accept: text/csv`. What is not a number has bands.',
        params: TwinPath,
        querystring: HistoryQuery,
        response: {
          200: { ...answer, content: { ...answer.content, ...csvContent } },
          ...notFound,
          ...always,
        },
      },
    },
    async (request, reply) => {
      const { params, query } = request;
      const { row } = await mustReadTwin(engine, params);
      const { measurement } = query;
      const unit = unitOf(engine.kinds.get(row.kind), row, measurement);
      const { from, to } = anySpanOf(query, engine.clock.now());
      const resolution =
        query.resolution === 'auto' ? fittingResolution(from, to) : query.resolution;
      const asked = { ...params, measurement, from, to };
      const { points, truncated } = await engine.history(asked, resolution);
      if (asksForCsv(request)) {
        return csvOf(reply, resolution === 'raw' ? SAMPLE : BUCKET, tableOf(points));
      }
      return {
        ...params,
        measurement,
        unit,
        resolution,
        from: iso(from),
        to: iso(to),
        points: points.map(toPoint),
        truncated,
      };
    },
  );
}

function tableOf(points: readonly HistoryPoint[]): Cell[][] {
  return points.map((point) => {
    const { at, ...values } = toPoint(point);
    return [at, ...Object.values(values)];
  });
}
