import type { Address } from '../../model/envelope.ts';
import type { CandidateRow } from '../../model/rows.ts';
import { decodeCursor, toPage } from '../cursor.ts';
import type { Page, PageRequest } from '../port.ts';
import { CANDIDATE } from '../tables.ts';
import type { Database } from './database.ts';

const SELECT = `SELECT ${CANDIDATE.fields} FROM candidate`;

/** The order: by home and twin, ascending. */
export async function listCandidates(
  database: Database,
  home: string | null,
  { limit, cursor }: PageRequest,
): Promise<Page<CandidateRow>> {
  const [afterHome, afterTwin] = decodeCursor<[string, string]>(cursor, ['string', 'string']) ?? [
    null,
    null,
  ];
  const text = `${SELECT}
    WHERE ($1::text IS NULL OR (home, twin) > ($1, $2::text)) AND ($3::text IS NULL OR home = $3)
    ORDER BY home, twin LIMIT $4`;
  const rows = await database.query<CandidateRow>({ name: 'list-candidates', text }, [
    ...[afterHome, afterTwin, home],
    limit + 1,
  ]);
  return toPage(rows, limit, (row) => [row.home, row.twin]);
}

export async function getCandidate(
  database: Database,
  { home, twin }: Address,
): Promise<CandidateRow | null> {
  const text = `${SELECT} WHERE home = $1 AND twin = $2`;
  return (await database.query<CandidateRow>({ text }, [home, twin]))[0] ?? null;
}

export async function deleteCandidate(database: Database, { home, twin }: Address): Promise<void> {
  await database.query({ text: 'DELETE FROM candidate WHERE home = $1 AND twin = $2' }, [
    home,
    twin,
  ]);
}
