import { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { Table } from '../tables.ts';
import { fromStored, fromStoredJson, toStored, toStoredJson } from '../text.ts';
import { isCollision, postgresFailure } from './failures.ts';

/** A statement with a name is parsed and planned once a connection. */
export interface Statement {
  name?: string;
  text: string;
}
export type Value = Plain | readonly Plain[] | JsonText | Buffer;
type Plain = string | number | boolean | null;
export type Query = <Row extends object>(
  statement: Statement,
  values?: readonly Value[],
) => Promise<Row[]>;

/** A value as the text of a JSON column. */
class JsonText {
  readonly #text: string;
  constructor(value: unknown) {
    this.#text = toStoredJson(JSON.stringify(value));
  }
  toPostgres(): string {
    return this.#text;
  }
}

/** A paused server answers nothing at all: every wait has an end, and then says `storage-unavailable`. */
const CONNECT_TIMEOUT_MS = 5_000;
const STATEMENT_TIMEOUT_MS = 12_000;
const QUERY_TIMEOUT_MS = 15_000;
const PING_TIMEOUT_MS = 3_000;
const UPKEEP_TIMEOUT_MS = 15 * 60_000;
const CLOSE_GRACE_MS = 2_000;
/**
 * Every statement here finds its rows by an index. Left to choose, the server plans for the tables as
 * they are when it first sees a statement, which is when they are empty, and then goes on reading them
 * from end to end: three quarters of its time at 2,000 events a second.
 */
const LOOK_UP = '-c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off';
/** A commit per writer, and readers. */
const CONNECTIONS = 12;
const TRIES = 4;

const parsers: Record<number, (text: string) => unknown> = {
  [pg.types.builtins.INT8]: Number,
  [pg.types.builtins.TEXT]: fromStored,
  [pg.types.builtins.JSON]: fromStoredJson,
};

/** The connections to one database: prepares, retries collisions, and says which errors pass. */
export class Database implements AsyncDisposable {
  readonly #url: string;
  readonly #pool: pg.Pool;
  readonly #sockets = new Set<Socket>();

  constructor(url: string) {
    this.#url = url;
    this.#pool = new pg.Pool({
      ...this.#connection(),
      max: CONNECTIONS,
      options: LOOK_UP,
      // kept for a while: each holds its prepared statements
      idleTimeoutMillis: 60_000,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      statement_timeout: STATEMENT_TIMEOUT_MS,
      query_timeout: QUERY_TIMEOUT_MS,
    });
    // an idle connection broke: the pool has dropped it and makes another when one is needed
    this.#pool.on('error', () => {});
  }

  async query<Row extends object>(
    statement: Statement,
    values: readonly Value[] = [],
  ): Promise<Row[]> {
    return again(
      async () => (await this.#pool.query<Row>({ ...statement, values: bound(values) })).rows,
    );
  }

  async ping(): Promise<void> {
    const query = { text: 'SELECT 1', query_timeout: PING_TIMEOUT_MS };
    await again(() => this.#pool.query(query));
  }

  /** Runs the work in one transaction, and again from its start when another got in its way. */
  async transaction<T>(work: (query: Query) => Promise<T>): Promise<T> {
    return again(async () => {
      const client = await this.#pool.connect();
      try {
        const result = await within(client, work);
        client.release();
        return result;
      } catch (error) {
        // discarded, not reused: whether it is still in the transaction is not known
        client.release(true);
        throw error;
      }
    });
  }

  /** Long work on a connection of its own, without the time limits of the way of an event. */
  async upkeep<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
    const client = await this.connect({ query_timeout: UPKEEP_TIMEOUT_MS });
    try {
      return await work(client);
    } catch (error) {
      throw postgresFailure(error);
    } finally {
      await close(client);
    }
  }

  /** A connection outside the pool; the caller ends it. */
  async connect(config: pg.ClientConfig = {}): Promise<pg.Client> {
    const client = new pg.Client({
      ...this.#connection(),
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      ...config,
    });
    client.on('error', () => {}); // queries fail by themselves; the lease listens in addition
    try {
      await client.connect();
      return client;
    } catch (error) {
      await close(client);
      throw postgresFailure(error);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#pool.ending) return;
    // a paused server never says goodbye
    const grace = setTimeout(() => {
      for (const socket of this.#sockets) socket.destroy();
    }, CLOSE_GRACE_MS);
    try {
      await this.#pool.end();
    } finally {
      clearTimeout(grace);
      for (const socket of this.#sockets) socket.destroy();
    }
  }

  #connection(): pg.ClientConfig {
    return {
      connectionString: this.#url,
      application_name: 'homeostat',
      keepAlive: true,
      types: {
        getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
          parsers[oid] ?? pg.types.getTypeParser(oid, format)) as typeof pg.types.getTypeParser,
      },
      stream: () => {
        const socket = new Socket();
        this.#sockets.add(socket);
        socket.once('close', () => this.#sockets.delete(socket));
        return socket;
      },
    };
  }
}

/** Ends a connection, also one to a server that does not answer: its socket goes with the storage. */
export async function close(client: pg.Client): Promise<void> {
  const grace = sleep(CLOSE_GRACE_MS, undefined, { ref: false });
  await Promise.race([client.end(), grace]).catch(() => {}); // it is of no more use either way
}

export async function within<T>(
  client: pg.ClientBase,
  work: (query: Query) => Promise<T>,
): Promise<T> {
  await client.query('BEGIN');
  try {
    const result = await work(
      async <Row extends object>(statement: Statement, values: readonly Value[] = []) => {
        return (await client.query<Row>({ ...statement, values: bound(values) })).rows;
      },
    );
    await client.query('COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {}); // a broken connection has rolled back by itself
    throw error;
  }
}

async function again<T>(attempt: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await attempt();
    } catch (error) {
      if (!isCollision(error) || tries === TRIES) throw postgresFailure(error);
    }
  }
}

function bound(values: readonly Value[]): unknown[] {
  return values.map((value) => {
    if (typeof value === 'string') return toStored(value);
    return Array.isArray(value)
      ? value.map((item: unknown) => (typeof item === 'string' ? toStored(item) : item))
      : value;
  });
}

/** A row's values in the order of its table's columns. */
export function valuesOf<Row extends object>(table: Table<Row>, row: Row): Value[] {
  return table.columns.map(({ field, type }) => {
    const value = (row as Record<string, unknown>)[field] ?? null;
    if (value === null) return null;
    return type === 'json' ? new JsonText(value) : (value as Value);
  });
}

export function insertInto(table: Table<unknown>): string {
  const marks = table.columns.map((_column, at) => `$${at + 1}`).join(', ');
  return `INSERT INTO ${table.name} (${table.names}) VALUES (${marks})`;
}
