import { setImmediate as nextTick } from 'node:timers/promises';
import {
  EngineError,
  fittingResolution,
  type HistoryPoint,
  type HistoryResolution,
  type Json,
  mustReadHome,
  mustReadTwin,
} from '../../../engine/index.ts';
import { iso } from '../../../features/contract/moment.ts';
import { HomePath } from '../../../features/contract/parameters.ts';
import { anySpanOf } from '../../../features/contract/span.ts';
import { type Ask, askAs, assertMayExplain, assertSeesTurns } from '../../access/visibility.ts';
import { always, json, notFound, withBody } from '../../http/answers.ts';
import type { App, RouteContext } from '../../http/app.ts';
import { asksForCsv, type Cell, cellOf, csvContent, csvOf } from '../../http/csv.ts';
import {
  type AskedSeries,
  HistoryColumns,
  HistoryQuestion,
  type Series,
} from '../../http/resources/series.ts';
import { Refusal } from '../../problem.ts';
import { bandPathOf, unitOf } from '../../recorded.ts';
import { thinned } from '../../thinning.ts';

/** Turns, buckets and bands that are looked at for one answer; the series after that have to be asked for again. */
const MAX_READ = 500_000;
const CSV_HEAD = ['twin', 'series', 'at', 'until', 'value', 'error'];

/** What all series of a question share. */
interface Question extends Pick<HistoryQuestion, 'maxPoints' | 'reduction'> {
  home: string;
  from: number;
  to: number;
  resolution: HistoryResolution;
  may: Ask;
}

export function historyQueryRoutes(app: App, { engine, identity }: RouteContext): void {
  const answer = json('The histories.', HistoryColumns);

  async function readSeries(asked: AskedSeries, question: Question): Promise<[Series, number]> {
    const { home, from, to, may } = question;
    const address = { home, twin: asked.twin };
    const { row } = await mustReadTwin(engine, address);
    const kind = engine.kinds.get(row.kind);
    const [name, value] = nameOf(asked);
    if (name === 'path') {
      await assertSeesTurns(may, row);
      const read = await engine.bands(address, bandPathOf(kind, row, value), { from, to });
      const { bands, truncated } = read;
      const columns = {
        at: bands.map((band) => band.from),
        until: bands.map((band) => band.to),
        values: bands.map((band) => band.value),
      };
      return [{ twin: asked.twin, path: value, ...columns, truncated }, bands.length];
    }
    await assertMayExplain(may, home, asked.twin);
    const unit = unitOf(kind, row, value);
    const { resolution } = question;
    const query = { ...address, measurement: value, from, to };
    const { points, truncated, looked } = await engine.history(query, resolution);
    const measured = measuredSeries(asked, value, points, question);
    return [{ ...measured, unit, truncated }, looked];
  }

  app.post(
    '/homes/:home/history/query',
    {
      // Thousands of points: checking each against the schema again takes longer than writing it
      serializerCompiler: () => JSON.stringify,
      config: { action: 'home.explain', reads: true },
      schema: {
        operationId: 'queryHistory',
        tags: ['Explaining'],
        summary: 'Read many histories at once',
        description:
          'Up to 50 measurements and bands of twins of a home over one span, in columns, and no more points than a chart has room for. A series that cannot be read says why, in its place. As CSV with `Accept: text/csv`.',
        params: HomePath,
        body: HistoryQuestion,
        response: {
          200: { ...answer, content: { ...answer.content, ...csvContent } },
          ...notFound,
          ...withBody,
          ...always,
        },
      },
    },
    async (request, reply) => {
      const { params, body, principal } = request;
      await mustReadHome(engine, params.home);
      const { from, to } = anySpanOf(body, engine.clock.now());
      const { maxPoints, reduction } = body;
      const resolution = body.resolution === 'auto' ? fittingResolution(from, to) : body.resolution;
      const may = askAs(identity, principal);
      const question = { ...params, from, to, resolution, maxPoints, reduction, may };
      const series: Series[] = [];
      let left = MAX_READ;
      for (const asked of body.series) {
        try {
          if (left <= 0) throw tooMuch();
          const [read, looked] = await readSeries(asked, question);
          series.push(read);
          left -= looked;
        } catch (error) {
          series.push(failed(asked, error));
        }
        // Each may take milliseconds of this thread
        await nextTick();
      }
      if (asksForCsv(request)) return csvOf(reply, CSV_HEAD, series.flatMap(rowsOf));
      return { ...params, from: iso(from), to: iso(to), resolution, series };
    },
  );
}

function nameOf({ measurement, path }: AskedSeries): ['measurement' | 'path', string] {
  if (measurement !== undefined && path === undefined) return ['measurement', measurement];
  if (path !== undefined && measurement === undefined) return ['path', path];
  throw new Refusal('malformed', 'a series has either a measurement or a path');
}

function tooMuch(): Refusal {
  return new Refusal('too-large', `for the series before it ${MAX_READ} turns were looked at`, {
    hint: 'Ask for fewer series at once, or a coarser resolution.',
  });
}

function measuredSeries(
  { twin, aggregate }: AskedSeries,
  measurement: string,
  points: readonly HistoryPoint[],
  { maxPoints, reduction, resolution }: Question,
) {
  const columns = {
    at: points.map(({ at }) => at),
    values: points.map((point) => ('value' in point ? point.value : point[aggregate])),
  };
  const isThinned = points.length > maxPoints;
  return {
    ...{ twin, measurement },
    aggregate: resolution === 'raw' ? null : aggregate,
    reduction: isThinned ? reduction : ('none' as const),
    ...(isThinned ? thinned(columns, maxPoints, reduction) : columns),
  };
}

/** What is wrong with one series; what is wrong with the store or with us is thrown on. */
function failed({ twin, measurement, path }: AskedSeries, error: unknown): Series {
  const { code, message, hint } = objectionOf(error);
  return {
    twin,
    ...(measurement !== undefined && { measurement }),
    ...(path !== undefined && { path }),
    error: { code, detail: message, ...(hint !== undefined && { hint }) },
  };
}

function objectionOf(error: unknown): { code: string; message: string; hint?: string | undefined } {
  if (error instanceof Refusal)
    return { ...error, message: error.message, hint: error.details.hint };
  if (error instanceof EngineError && error.code === 'unknown-twin') return error;
  throw error;
}

function rowsOf(series: Series): Cell[][] {
  const { twin } = series;
  const name = series.measurement ?? series.path ?? '';
  if ('error' in series) return [[twin, name, null, null, null, series.error.detail]];
  const untils = 'until' in series ? series.until : undefined;
  return series.at.map((at, index) => {
    const until = untils?.[index];
    const value = cellOf(series.values[index] as Json);
    return [twin, name, iso(at), until === undefined ? null : iso(until), value, null];
  });
}
