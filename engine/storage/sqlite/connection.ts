import Database from 'better-sqlite3';
import type { Column, Table } from '../tables.ts';
import { fromStored, toStored } from '../text.ts';
import { sqliteFailure } from './failures.ts';

/** What can be bound to a parameter. */
export type Value = string | number | null;
/** Parameters by position (`?`) or by name (`@home`). */
type Values = Value[] | [Record<string, Value>];
export type Raw = Record<string, Value>;

/** How long a statement waits for another process (a CLI, a backup) that writes just now. */
const BUSY_TIMEOUT_MS = 2_000;

/** The one connection: statements are prepared once, errors say whether to try again. */
export class Connection implements Disposable {
  readonly #database: Database.Database;
  readonly #statements = new Map<string, Database.Statement>();

  constructor(path: string) {
    this.#database = attempt(() => new Database(path, { timeout: BUSY_TIMEOUT_MS }));
    try {
      attempt(() => this.#prepare());
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  #prepare(): void {
    this.#database.pragma('journal_mode = WAL');
    // a commit that returned must survive a power cut: its senders have been told so
    this.#database.pragma('synchronous = FULL');
    this.#database.pragma('journal_size_limit = 67108864');
    this.#database.pragma('cache_size = -65536');
    this.#database.pragma('temp_store = MEMORY');
    // SQLite's own lower() knows ASCII only
    this.#database.function('contains_folded', { deterministic: true }, (text, part) =>
      Number(String(text).toLowerCase().includes(String(part).toLowerCase())),
    );
  }

  /** Runs any number of statements, for migrations. */
  execute(script: string): void {
    attempt(() => this.#database.exec(script));
  }

  /** @returns how many rows changed */
  run(sql: string, ...values: Values): number {
    return attempt(() => this.#statement(sql).run(...bound(values)).changes);
  }

  get<T = Raw>(sql: string, ...values: Values): T | undefined {
    return attempt(() => this.#statement(sql).get(...bound(values)) as T | undefined);
  }

  all<T = Raw>(sql: string, ...values: Values): T[] {
    return attempt(() => this.#statement(sql).all(...bound(values)) as T[]);
  }

  /** Rows as arrays, at half the cost, for reads of thousands. */
  tuples<T extends readonly Raw[string][]>(sql: string, ...values: Values): T[] {
    return attempt(
      () =>
        this.#statement(sql)
          .raw()
          .all(...bound(values)) as T[],
    );
  }

  /** Row by row, for reads that may stop early. Nothing may be written in between. */
  *each<T = Raw>(sql: string, ...values: Values): Generator<T> {
    const rows = attempt(
      () => this.#statement(sql).iterate(...bound(values)) as IterableIterator<T>,
    );
    try {
      yield* rows;
    } catch (error) {
      throw sqliteFailure(error);
    }
  }

  /** Takes the write lock first, so that two writers queue instead of failing half-way. */
  transaction<T>(work: () => T): T {
    this.execute('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.execute('COMMIT');
      return result;
    } catch (error) {
      // a full disk rolls back by itself
      if (this.#database.inTransaction) this.execute('ROLLBACK');
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }

  #statement(sql: string): Database.Statement {
    let statement = this.#statements.get(sql);
    if (!statement) {
      statement = this.#database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}

function bound(values: Values): unknown[] {
  return values.map((value) => {
    if (typeof value === 'string') return toStored(value);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, named]) => [
        name,
        typeof named === 'string' ? toStored(named) : named,
      ]),
    );
  });
}

function attempt<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw sqliteFailure(error);
  }
}

/** `INSERT INTO t (…) VALUES (?, …)`: the beginning of each table's own statement. */
export function insertInto(table: Table<unknown>): string {
  const marks = table.columns.map(() => '?').join(', ');
  return `INSERT INTO ${table.name} (${table.names}) VALUES (${marks})`;
}

/** A row's values in the order of its table's columns. */
export function valuesOf<Row extends object>(table: Table<Row>, row: Row): Value[] {
  return table.columns.map((column) => boundOf(column, row));
}

/** What is bound for a column of a row. */
export function boundOf(column: Column, row: object): Value {
  const value = (row as Record<string, unknown>)[column.field];
  if (value === null || value === undefined) return null;
  if (column.type === 'json') return JSON.stringify(value);
  return column.type === 'boolean' ? Number(value) : (value as Value);
}

/** A row that was selected with `table.fields`. */
export function readRow<Row>(table: Table<Row>, raw: Raw): Row {
  const row: Record<string, unknown> = {};
  for (const { field, type } of table.columns) {
    const value = raw[field] ?? null;
    if (value === null) row[field] = null;
    else if (type === 'json') row[field] = JSON.parse(fromStored(String(value)));
    else if (type === 'boolean') row[field] = value === 1;
    else row[field] = typeof value === 'string' ? fromStored(value) : value;
  }
  return row as Row;
}
