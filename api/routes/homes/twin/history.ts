import { z } from 'zod';
import {
  type AnyKind,
  fittingResolution,
  keyOf,
  type Measurements,
  type TwinRow,
} from '../../../../engine/index.ts';
import { always, json, notFound } from '../../../http/answers.ts';
import type { App, RouteContext } from '../../../http/app.ts';
import { mustReadTwin } from '../../../http/existence.ts';
import { iso, MomentText } from '../../../http/moment.ts';
import { QueryText, TwinPath } from '../../../http/parameters.ts';
import { History, Resolution, toPoint } from '../../../http/resources/history.ts';
import { Refusal } from '../../../problem.ts';

const DAY_MS = 24 * 60 * 60_000;
/** As many as the engine gives at once. */
const MOST_POINTS = 20_000;

const HistoryQuery = z.object({
  measurement: QueryText.describe('One of those that the twin’s kind lists.'),
  from: MomentText.optional().describe(
    'ISO 8601 or epoch ms, inclusive. Default: a day before `to`.',
  ),
  to: MomentText.optional().describe('ISO 8601 or epoch ms, exclusive. Default: now.'),
  resolution: z
    .enum([...Resolution.options, 'auto'])
    .default('auto')
    .describe('`auto`: the finest that shows the span in a reasonable number of points.'),
});

export function historyRoutes(app: App, { engine }: RouteContext): void {
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
          'Samples at resolution `raw`, else minimum, maximum, mean, last value and count of each bucket.',
        params: TwinPath,
        querystring: HistoryQuery,
        response: { 200: json('The history.', History), ...notFound, ...always },
      },
    },
    async ({ params, query }) => {
      const { row } = await mustReadTwin(engine, params);
      const { measurement } = query;
      const unit = unitOf(engine.kinds.get(row.kind), row, measurement);
      // The open end shows what has just been measured
      const to = query.to ?? engine.clock.now() + 1;
      const from = query.from ?? Math.max(0, to - DAY_MS);
      const resolution =
        query.resolution === 'auto' ? fittingResolution(from, to) : query.resolution;
      const points = await engine.history({ ...params, measurement, from, to }, resolution);
      return {
        ...params,
        measurement,
        unit,
        resolution,
        from: iso(from),
        to: iso(to),
        points: points.map(toPoint),
        truncated: points.length >= MOST_POINTS,
      };
    },
  );
}

/** @throws Refusal for something that the twin does not and never did measure */
function unitOf(kind: AnyKind | undefined, row: TwinRow, measurement: string): string | null {
  const declared: unknown = kind?.measurements ?? {};
  const measurements = (
    typeof declared === 'function' ? declared(row.state.context) : declared
  ) as Measurements;
  const known = Object.hasOwn(measurements, measurement) ? measurements[measurement] : undefined;
  if (known) return known.unit;
  if (Object.hasOwn(row.state.buckets, measurement)) return null;
  throw new Refusal('malformed', `${keyOf(row)} has no measurement "${measurement}"`, {
    hint: `It has: ${Object.keys(measurements).join(', ') || 'none'}.`,
    errors: [{ path: 'querystring.measurement', message: 'is not one of this twin' }],
  });
}
