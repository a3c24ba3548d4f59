import type { HistoryQuery, SampleKey, SampleStretch } from '../port.ts';
import { LEAST_MS, PROMPT_MS } from '../stretch.ts';
import { asTuples, tuplesFrom } from './columns.ts';
import type { Database, Statement } from './database.ts';

const PROMPT_END: Statement = {
  name: 'samples-prompt-end',
  text: `SELECT received_at FROM journal
    WHERE home = $1 AND twin = $2 AND received_at >= $3::float8 - ${PROMPT_MS}
      AND received_at < $4::float8 + ${PROMPT_MS}
    ORDER BY revision LIMIT 1 OFFSET $5`,
};

const TARDY_END: Statement = {
  name: 'samples-tardy-end',
  text: `SELECT at, revision FROM journal
    WHERE home = $1 AND twin = $2 AND (at, revision) >= ($3, $4) AND at < $5
      AND received_at >= $3 AND received_at > at + ${PROMPT_MS}
    ORDER BY at, revision LIMIT 1 OFFSET $6`,
};

interface Tuples {
  tuples: Buffer | null;
}

// An event is received at most 5 minutes before its `at` (saneTime), and most are soon after: the others are few,
// and have an index of their own. A number's JSON begins with a digit or a sign, where a text has its quote: that
// takes the event apart once for the value, instead of twice.
const SPAN = `home = $1 AND twin = $2 AND (at, revision) >= ($4, $5) AND (at, revision) < ($6, $7)
  AND event ->> 'type' = 'telemetry'`;
const SAMPLES: Statement = {
  name: 'list-samples',
  text: `SELECT ${asTuples('at', 'value')} FROM (
    SELECT at, value FROM (
      SELECT at, revision, (event -> $3::text)::text AS value FROM journal
      WHERE ${SPAN} AND received_at >= $4 - ${PROMPT_MS} AND received_at <= $6 + ${PROMPT_MS}
        AND received_at <= at + ${PROMPT_MS}
      UNION ALL
      SELECT at, revision, (event -> $3::text)::text FROM journal
      WHERE ${SPAN} AND received_at >= $4 AND received_at > at + ${PROMPT_MS}
      OFFSET 0) AS told
    WHERE ascii(value) BETWEEN ascii('-') AND ascii('9')
    ORDER BY at, revision) AS sample`,
};

export async function listSamples(
  database: Database,
  { home, twin, measurement, from, to }: HistoryQuery,
  key: SampleKey | null,
  most: number,
): Promise<SampleStretch> {
  const [at, place] = key ?? [from, 0];
  const [[beyond], [tardy]] = await Promise.all([
    database.query<{ received_at: number }>(PROMPT_END, [home, twin, at, to, most]),
    database.query<{ at: number; revision: number }>(TARDY_END, [home, twin, at, place, to, most]),
  ]);
  const promptEnd = beyond ? Math.max(beyond.received_at - PROMPT_MS, at + LEAST_MS) : to;
  const promptKey: SampleKey = [Math.min(to, promptEnd), 0];
  const end: SampleKey = tardy && tardy.at < promptKey[0] ? [tardy.at, tardy.revision] : promptKey;
  const values = [home, twin, measurement, at, place, ...end];
  const [found] = await database.query<Tuples>(SAMPLES, values);
  const samples = tuplesFrom<readonly [number, number]>(found?.tuples, 2);
  return {
    samples: samples.map(([at, value]) => ({ at, value })),
    next: end[0] < to ? end : null,
  };
}
