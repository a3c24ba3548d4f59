import type { Address } from '../../model/envelope.ts';
import { own } from '../../model/own.ts';
import type { HistoryQuery, SampleKey, SampleStretch } from '../port.ts';
import { LEAST_MS, PROMPT_MS } from '../stretch.ts';
import { fromStored } from '../text.ts';
import type { Connection } from './connection.ts';

// Turns of one moment are in the order of their positions, which the index has and which is that of their revisions
export const TARDY_END = `SELECT at, position FROM journal INDEXED BY journal_tardy
  WHERE home = @home AND twin = @twin AND (at, position) >= (@at, @place) AND at < @to
    AND received_at > at + ${PROMPT_MS}
  ORDER BY at, position LIMIT 1 OFFSET @most`;

const SPAN = '(at, position) >= (@at, @place) AND (at, position) < (@endAt, @endPlace)';
export const TARDY = `SELECT at, position, event FROM journal INDEXED BY journal_tardy
  WHERE home = @home AND twin = @twin AND ${SPAN} AND received_at > at + ${PROMPT_MS}
  ORDER BY at, position LIMIT @most`;
export const SAMPLES = `SELECT at, position, event FROM journal
    WHERE home = @home AND twin = @twin AND revision >= @first AND revision < @end
      AND ${SPAN} AND received_at <= at + ${PROMPT_MS}
  UNION ALL
  SELECT at, position, event FROM (${TARDY})
  ORDER BY at, position`;

export function listSamples(
  connection: Connection,
  { home, twin, measurement, from, to }: HistoryQuery,
  key: SampleKey | null,
  most: number,
): SampleStretch {
  const address = { home, twin };
  const [at, place] = key ?? [from, 0];
  const first = firstSince(connection, address, at - PROMPT_MS);
  const beyond = turnFrom(connection, address, first + most);
  const promptEnd = beyond ? Math.max(beyond.receivedAt - PROMPT_MS, at + LEAST_MS) : to;
  const values = { home, twin, at, place };
  const tardy = connection.get<{ at: number; position: number }>(TARDY_END, {
    ...{ ...values, to: Math.min(to, promptEnd), most },
  });
  const end: SampleKey = tardy ? [tardy.at, tardy.position] : [Math.min(to, promptEnd), 0];
  const [endAt, endPlace] = end;
  const rows = connection.all<{ at: number; event: string }>(SAMPLES, {
    ...{ ...values, endAt, endPlace, first, most },
    // Turns of the last moment may have come in as late
    end: firstSince(connection, address, endAt + PROMPT_MS + 1),
  });
  const samples = rows.flatMap(({ at, event }) => {
    const fields = JSON.parse(fromStored(event)) as Record<string, unknown>;
    // a measurement's name may be anything, also what SQLite reads as a path
    const value = fields['type'] === 'telemetry' ? own(fields, measurement) : undefined;
    return typeof value === 'number' ? [{ at, value }] : [];
  });
  return { samples, next: endAt < to ? end : null };
}

/** The first revision of a twin that was received at or after a moment, or the one after its last. */
function firstSince(connection: Connection, address: Address, moment: number): number {
  const last = connection.get<{ revision: number | null }>(
    'SELECT max(revision) AS revision FROM journal WHERE home = ? AND twin = ?',
    address.home,
    address.twin,
  );
  let low = 0;
  let high = (last?.revision ?? -1) + 1;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const row = turnFrom(connection, address, middle);
    if (row && row.receivedAt < moment) low = row.revision + 1;
    else high = middle;
  }
  return low;
}

function turnFrom(
  connection: Connection,
  { home, twin }: Address,
  revision: number,
): { revision: number; receivedAt: number } | undefined {
  return connection.get(
    `SELECT revision, received_at AS receivedAt FROM journal
     WHERE home = ? AND twin = ? AND revision >= ? ORDER BY revision LIMIT 1`,
    home,
    twin,
    revision,
  );
}
