import type { Address } from '../../model/envelope.ts';
import type { CandidateRow } from '../../model/rows.ts';
import { decodeCursor, toPage } from '../cursor.ts';
import type { Page, PageRequest } from '../port.ts';
import { CANDIDATE } from '../tables.ts';
import { type Connection, readRow } from './connection.ts';

const SELECT = `SELECT ${CANDIDATE.fields} FROM candidate`;

/** The order: by home and twin, ascending. */
export function listCandidates(
  connection: Connection,
  home: string | null,
  { limit, cursor }: PageRequest,
): Page<CandidateRow> {
  const [afterHome, afterTwin] = decodeCursor<[string, string]>(cursor, ['string', 'string']) ?? [
    '',
    '',
  ];
  const raws = connection.all(
    `${SELECT} WHERE (home, twin) > (@afterHome, @afterTwin) AND (@home IS NULL OR home = @home)
     ORDER BY home, twin LIMIT @limit`,
    { afterHome, afterTwin, home, limit: limit + 1 },
  );
  return toPage(
    raws.map((raw) => readRow(CANDIDATE, raw)),
    limit,
    (row) => [row.home, row.twin],
  );
}

export function getCandidate(connection: Connection, { home, twin }: Address): CandidateRow | null {
  const raw = connection.get(`${SELECT} WHERE home = ? AND twin = ?`, home, twin);
  return raw ? readRow(CANDIDATE, raw) : null;
}

export function deleteCandidate(connection: Connection, { home, twin }: Address): void {
  connection.run('DELETE FROM candidate WHERE home = ? AND twin = ?', home, twin);
}
