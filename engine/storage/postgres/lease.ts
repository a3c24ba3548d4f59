import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { EngineError } from '../../model/errors.ts';
import type { Cursors, Lease, WriterStanding } from '../port.ts';
import { close, type Database } from './database.ts';
import { isLockTimeout, postgresFailure } from './failures.ts';
import { WRITER_LOCK } from './locks.ts';

const RETRY_MS = 1_000;
/** How long one try to win a lost claim back waits for the former connection's lock to go. */
const REGAIN_WAIT_MS = 2_000;
/** Time on top of the wait for the lock: a server that does not even answer is not waited for. */
const ANSWER_MS = 5_000;

/** One epoch for all writers, above all that were: whoever still writes under an older one is fenced. */
const RAISE_EPOCH = `WITH next AS (
    SELECT coalesce(max(epoch), 0) + $3::bigint AS epoch, coalesce(max(seq), 0) AS seq FROM writer),
  present AS (UPDATE present_epoch SET epoch = next.epoch FROM next),
  others AS (
    UPDATE writer SET epoch = next.epoch, owner = $1 FROM next WHERE shard >= $2::integer
    RETURNING shard AS writer, writer.epoch, writer.seq, cursors),
  ours AS (
    INSERT INTO writer (shard, epoch, seq, owner)
    SELECT shard, next.epoch, next.seq, $1 FROM generate_series(0, $2::integer - 1) AS shard, next
    ON CONFLICT (shard) DO UPDATE SET epoch = excluded.epoch, owner = excluded.owner
    RETURNING shard AS writer, epoch, seq, cursors)
  SELECT * FROM ours UNION ALL SELECT * FROM others ORDER BY writer`;

type Raised = Omit<WriterStanding, 'cursors'> & { epoch: number; cursors: Cursors | null };

/**
 * The right to write: a lock that belongs to one connection, so that the server frees it when the
 * process dies. It only keeps two engines from fighting; what keeps them from harm is the epoch,
 * which each commit checks.
 */
export class PostgresLease implements Lease {
  readonly epoch: number;
  readonly writers: readonly WriterStanding[];
  readonly #database: Database;
  readonly #ended = new AbortController();
  #client: pg.Client;
  #lost = false;
  #callbacks: (() => void)[] = [];

  private constructor(database: Database, client: pg.Client, raised: readonly Raised[]) {
    this.#database = database;
    this.#client = client;
    this.epoch = raised[0]?.epoch ?? 1;
    this.writers = raised.map(({ writer, seq, cursors }) => ({
      writer,
      seq,
      cursors: cursors ?? {},
    }));
    this.#watch(client);
  }

  /** @throws EngineError `owned-elsewhere` */
  static async acquire(
    database: Database,
    owner: string,
    writers: number,
    waitMs: number,
    epochStep = 1,
  ): Promise<PostgresLease> {
    const client = await connect(database, waitMs);
    try {
      if (!(await lock(client, waitMs))) throw await ownedElsewhere(client);
      const { rows } = await client.query<Raised>(RAISE_EPOCH, [owner, writers, epochStep]);
      return new PostgresLease(database, client, rows);
    } catch (error) {
      await close(client);
      throw postgresFailure(error);
    }
  }

  onLost(callback: () => void): void {
    if (this.#lost) callback();
    else this.#callbacks.push(callback);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ended.signal.aborted) return;
    this.#ended.abort();
    await close(this.#client);
  }

  #watch(client: pg.Client): void {
    client.once('end', () => void this.#regain());
  }

  /** The connection broke: takes the lock back, unless someone else has raised the epoch since. */
  async #regain(): Promise<void> {
    while (!this.#ended.signal.aborted) {
      switch (await this.#tryToRegain()) {
        case 'regained':
          return;
        case 'lost':
          this.#lost = true;
          for (const callback of this.#callbacks) callback();
          return;
        case 'not yet':
          await sleep(RETRY_MS, undefined, { ref: false, signal: this.#ended.signal }).catch(
            () => {},
          );
      }
    }
  }

  async #tryToRegain(): Promise<'regained' | 'lost' | 'not yet'> {
    let client: pg.Client | undefined;
    try {
      client = await connect(this.#database, REGAIN_WAIT_MS);
      const locked = await lock(client, REGAIN_WAIT_MS);
      const { rows } = await client.query<{ epoch: number }>(
        'SELECT max(epoch) AS epoch FROM writer',
      );
      const taken = rows[0]?.epoch !== this.epoch;
      // locked, but not by an engine that writes: the server has not yet missed our old connection
      if (locked && !taken && !this.#ended.signal.aborted) {
        this.#client = client;
        this.#watch(client);
        return 'regained';
      }
      await close(client);
      return taken ? 'lost' : 'not yet';
    } catch {
      if (client) await close(client);
      return 'not yet'; // the server is away; commits fail and say so, and the epoch guards
    }
  }
}

async function connect(database: Database, waitMs: number): Promise<pg.Client> {
  const client = await database.connect({ query_timeout: waitMs + ANSWER_MS });
  try {
    // the server misses a vanished host within half a minute instead of two hours
    await client.query(
      'SET tcp_keepalives_idle = 15; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3',
    );
    return client;
  } catch (error) {
    await close(client);
    throw error;
  }
}

async function lock(client: pg.Client, waitMs: number): Promise<boolean> {
  try {
    // 0 would mean for ever
    await client.query("SELECT set_config('lock_timeout', $1, false)", [
      String(Math.max(1, waitMs)),
    ]);
    await client.query('SELECT pg_advisory_lock($1)', [WRITER_LOCK]);
    // the epoch's row may be held by the last commit of the former owner: that is waited for
    await client.query("SELECT set_config('lock_timeout', '0', false)");
    return true;
  } catch (error) {
    if (isLockTimeout(error)) return false;
    throw error;
  }
}

async function ownedElsewhere(client: pg.Client): Promise<EngineError> {
  const { rows } = await client.query<{ owner: string }>('SELECT owner FROM writer LIMIT 1');
  return new EngineError(
    'owned-elsewhere',
    `this database belongs to a running engine (${rows[0]?.owner ?? 'still starting'})`,
    { hint: 'Stop the other one first, or give this one a database of its own (DATABASE_URL).' },
  );
}
