/**
 * A commit on its way to the connection: the rows of each table as one list of what is bound, column by column, row
 * after row. A thread is sent this as it is (structured clone of flat lists of texts and numbers). Measured in batches of 1,
 * 50 and 500 twins and journal rows, states of 1.5 KB, µs an event on the sender's thread, and of the whole process:
 *
 * | sent                                             | sender, of 1, 50, 500 | process, of 1, 50, 500 |
 * | ------------------------------------------------ | --------------------- | ---------------------- |
 * | flat lists of values                             | 18, 8, 7              | 24, 7, 7               |
 * | a list of values a row                           | 20, 9, 9              | 25, 9, 9               |
 * | all texts as one, numbers in a transferred array | 19, 7, 10             | 25, 7, 10              |
 * | one transferred buffer                           | 21, 8, 11             | 26, 9, 11              |
 * | one JSON text                                    | 14, 7, 9              | 38, 18, 21             |
 * | rows as they are                                 | 8, 5, 8               | 37, 20, 21             |
 *
 * JSON and rows leave it to the receiver to write the columns' JSON: a commit of one takes 34 µs there and back instead
 * of 21, and the cores are shared.
 */
import type { Commit } from '../port.ts';
import {
  ALERT,
  CANDIDATE,
  CHECKPOINT,
  HOME,
  INTENT,
  LOG,
  ROLLUP,
  type Table,
  TWIN,
} from '../tables.ts';
import { boundOf, type Value } from './connection.ts';

/** Parts of a commit whose rows are whole rows of a table. The others are rare, and sent as they are. */
const TABLES = {
  homes: HOME,
  twins: TWIN,
  journal: LOG,
  intents: INTENT,
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
