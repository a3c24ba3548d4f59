import type { HomeRow } from '../../model/rows.ts';
import { decodeCursor, toPage } from '../cursor.ts';
import type { Page, PageRequest } from '../port.ts';
import { HOME } from '../tables.ts';
import { type Connection, insertInto, readRow, valuesOf } from './connection.ts';

const SELECT = `SELECT ${HOME.fields} FROM home`;
const INSERT = `${insertInto(HOME)} ON CONFLICT DO NOTHING`;
const UPDATE = 'UPDATE home SET name = ?, timezone = ?, created_at = ? WHERE id = ?';
/** All tables whose rows belong to a home. */
const OF_A_HOME = [
  ...['twin', 'journal', 'checkpoint', 'parked', 'intent', 'alert', 'dead_letter', 'relation'],
  ...['rollup', 'candidate', 'projection_row'],
];

export function listHomes(connection: Connection, { limit, cursor }: PageRequest): Page<HomeRow> {
  const [after] = decodeCursor<[string]>(cursor, ['string']) ?? [''];
  const raws = connection.all(`${SELECT} WHERE id > ? ORDER BY id LIMIT ?`, after, limit + 1);
  return toPage(
    raws.map((raw) => readRow(HOME, raw)),
    limit,
    (row) => [row.id],
  );
}

export function getHome(connection: Connection, id: string): HomeRow | null {
  const raw = connection.get(`${SELECT} WHERE id = ?`, id);
  return raw ? readRow(HOME, raw) : null;
}

export function insertHome(connection: Connection, home: HomeRow): boolean {
  return connection.run(INSERT, ...valuesOf(HOME, home)) === 1;
}

export function updateHome(connection: Connection, home: HomeRow): void {
  connection.run(UPDATE, home.name, home.timezone, home.createdAt, home.id);
}

export function deleteHome(connection: Connection, id: string): void {
  connection.transaction(() => {
    for (const table of OF_A_HOME) connection.run(`DELETE FROM ${table} WHERE home = ?`, id);
    connection.run('DELETE FROM home WHERE id = ?', id);
  });
}
