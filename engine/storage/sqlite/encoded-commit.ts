/**
 * A commit on its way to the connection: the rows of each table as one list of what is bound, column by column, row
 * after row. A thread is sent this.
 */
import type { Commit } from '../port.ts';
import {
  ALERT,
  CANDIDATE,
  CHECKPOINT,
  HOME,
  INTENT_WRITE,
  JOURNAL,
  OUTBOX,
  ROLLUP,
  type Table,
  TWIN,
} from '../tables.ts';
import { boundOf, type Value } from './connection.ts';

/** Parts of a commit whose rows are whole rows of a table. The others are rare, and sent as they are. */
const TABLES = {
  homes: HOME,
  twins: TWIN,
  journal: JOURNAL,
  outbox: OUTBOX,
  intents: INTENT_WRITE,
  alerts: ALERT,
  rollups: ROLLUP,
  checkpoints: CHECKPOINT,
  candidates: CANDIDATE,
} satisfies { [Part in keyof Commit]?: Commit[Part] extends (infer Row)[] ? Table<Row> : never };

type Part = keyof typeof TABLES;

export type EncodedCommit = Omit<Commit, Part> & Record<Part, Value[]>;

export function encodeCommit(commit: Commit): EncodedCommit {
  const encoded = Object.entries<Table<object>>(TABLES).map(([part, table]) => {
    const values: Value[] = [];
    for (const row of commit[part as Part]) {
      for (const column of table.columns) values.push(boundOf(column, row));
    }
    return [part, values];
  });
  return { ...commit, ...(Object.fromEntries(encoded) as Record<Part, Value[]>) };
}

/** The rows again, each with the values of its table's columns. */
export function* rowsOf(table: Table<unknown>, values: readonly Value[]): Generator<Value[]> {
  const width = table.columns.length;
  for (let at = 0; at < values.length; at += width) yield values.slice(at, at + width);
}
