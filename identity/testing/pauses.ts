import type { DatabaseConnection, Dialect, Driver } from 'kysely';
import pg from 'pg';

/** Stops one flow at one of the points where it waits for the store: with the answer of a statement on its way back. */
export class Pauses {
  #left: number | null = null;
  #reached: (() => void) | null = null;
  #resume: (() => void) | null = null;

  /** Lets so many points pass, and stops whoever comes to the next one. @returns resolves when it stands there */
  stopAfter(points: number): Promise<void> {
    this.#left = points;
    return new Promise((resolve) => {
      this.#reached = resolve;
    });
  }

  /** Lets whoever stands go on, and everybody pass. */
  goOn(): void {
    this.#left = null;
    this.#resume?.();
    this.#resume = null;
  }

  /** Puts the points around a store. */
  around = (dialect: Dialect): Dialect => ({
    createDriver: () => this.#stepped(dialect.createDriver()),
    createQueryCompiler: () => dialect.createQueryCompiler(),
    createAdapter: () => dialect.createAdapter(),
    createIntrospector: (database) => dialect.createIntrospector(database),
  });

  #stepped(driver: Driver): Driver {
    const step = async <T>(work: () => Promise<T>): Promise<T> => {
      const result = await work();
      await this.#point();
      return result;
    };
    return {
      init: () => driver.init(),
      acquireConnection: async () => new Stepped(await driver.acquireConnection(), step),
      releaseConnection: (one) => driver.releaseConnection(innerOf(one)),
      beginTransaction: (one, settings) =>
        step(() => driver.beginTransaction(innerOf(one), settings)),
      commitTransaction: (one) => step(() => driver.commitTransaction(innerOf(one))),
      rollbackTransaction: (one) => driver.rollbackTransaction(innerOf(one)),
      destroy: () => driver.destroy(),
    };
  }

  async #point(): Promise<void> {
    if (this.#left === null || this.#left-- > 0) return;
    this.#left = null;
    const standing = new Promise<void>((resolve) => {
      this.#resume = resolve;
    });
    this.#reached?.();
    await standing;
  }
}

class Stepped implements DatabaseConnection {
  readonly inner: DatabaseConnection;
  readonly #step: <T>(work: () => Promise<T>) => Promise<T>;

  constructor(inner: DatabaseConnection, step: <T>(work: () => Promise<T>) => Promise<T>) {
    this.inner = inner;
    this.#step = step;
  }

  executeQuery: DatabaseConnection['executeQuery'] = (query) =>
    this.#step(() => this.inner.executeQuery<never>(query));

  streamQuery: DatabaseConnection['streamQuery'] = (query, size) =>
    this.inner.streamQuery(query, size);
}

function innerOf(connection: DatabaseConnection): DatabaseConnection {
  return (connection as Stepped).inner;
}

/** Tells whether somebody waits in the store for another who stands still. */
export class Blockage implements AsyncDisposable {
  readonly #client: pg.Client | null;

  private constructor(client: pg.Client | null) {
    this.#client = client;
  }

  static async watch(url: string): Promise<Blockage> {
    // On SQLite nobody holds a lock while standing still
    if (!url.startsWith('postgres')) return new Blockage(null);
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    return new Blockage(client);
  }

  /** Waits until the work has settled, or stands behind a lock. */
  async settledOrBlocked(work: Promise<unknown>): Promise<void> {
    let isSettled = false;
    const settled = work.then(
      () => {
        isSettled = true;
      },
      () => {
        isSettled = true;
      },
    );
    if (!this.#client) return await settled;
    while (!isSettled && !(await this.#isSomebodyBlocked(this.#client)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client?.end();
  }

  async #isSomebodyBlocked(client: pg.Client): Promise<boolean> {
    const { rows } = await client.query<{ blocked: boolean }>(
      `SELECT bool_or(cardinality(pg_blocking_pids(pid)) > 0) AS blocked
       FROM pg_stat_activity WHERE datname = current_database()`,
    );
    return rows[0]?.blocked === true;
  }
}
