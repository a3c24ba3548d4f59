import { z } from 'zod';
import { MAX_BANDS, mustReadTwin } from '../../../../engine/index.ts';
import { iso } from '../../../../features/contract/moment.ts';
import { QueryText, TwinPath } from '../../../../features/contract/parameters.ts';
import { anySpanOf, SpanQuery } from '../../../../features/contract/span.ts';
import { askAs, assertSeesTurns, SHOWN } from '../../../access/visibility.ts';
import { always, json, notFound } from '../../../http/answers.ts';
import type { App, RouteContext } from '../../../http/app.ts';
import { asksForCsv, cellOf, csvContent, csvOf } from '../../../http/csv.ts';
import { Bands, toBands } from '../../../http/resources/bands.ts';
import { bandPathOf } from '../../../recorded.ts';

const BandQuery = SpanQuery.extend({
  path: QueryText.describe(
    '`state`: the state as a whole; `state.link`: of one region, or below a state; `reported.on`: a reported value that is not a number.',
  ).meta({ examples: ['reported.on'] }),
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .max(MAX_BANDS)
    .default(MAX_BANDS)
    .describe('Bands, at most.'),
});

export function bandRoutes(app: App, { engine, identity }: RouteContext): void {
  const answer = json('The bands.', Bands);
  app.get(
    '/homes/:home/twins/:twin/bands',
    {
      // Thousands of bands: checking each against the schema again takes longer than writing it
      serializerCompiler: () => JSON.stringify,
      config: { action: SHOWN.turn },
      schema: {
        operationId: 'readBands',
        tags: ['Explaining'],
        summary: 'Read when a twin was in which state, or reported what',
        description:
          'When a heater was on, when a window was open: a value that is not a number, as bands of time, as far back as the journal is kept. What a device tells later counts from when it happened, within a day. As CSV with `Accept: text/csv`.',
        params: TwinPath,
        querystring: BandQuery,
        response: {
          200: { ...answer, content: { ...answer.content, ...csvContent } },
          ...notFound,
          ...always,
        },
      },
    },
    async (request, reply) => {
      const { params, query, principal } = request;
      const { row } = await mustReadTwin(engine, params);
      await assertSeesTurns(askAs(identity, principal), row);
      const path = bandPathOf(engine.kinds.get(row.kind), row, query.path);
      const span = anySpanOf(query, engine.clock.now());
      const read = await engine.bands(params, path, span, query.limit);
      const bands = toBands(read);
      if (asksForCsv(request)) {
        const rows = bands.map(({ from, to, value }) => [from, to, cellOf(value)]);
        return csvOf(reply, ['from', 'to', 'value'], rows);
      }
      const { to, truncated } = read;
      return { ...params, path: query.path, from: iso(span.from), to: iso(to), bands, truncated };
    },
  );
}
