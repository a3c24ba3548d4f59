import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { EngineError } from '../../model/errors.ts';
import type { Cursors, Lease, WriterStanding } from '../port.ts';
import type { Connection } from './connection.ts';
import { isBusy, sqliteFailure } from './failures.ts';
import { makePrivate } from './private-files.ts';

const POLL_MS = 50;

/** The new epoch, of all writers, and how they stand. */
export interface Raised {
  epoch: number;
  standings: WriterStanding[];
}

/** What a claim asks of the database itself. */
export interface Ownership {
  raiseEpoch(owner: string, writers: number, step: number): Promise<Raised>;
  /** Who has raised it last; null: nobody yet. */
  presentOwner(): Promise<string | null>;
}

/**
 * The right to write. What holds it is an exclusive transaction on a sibling file, `<path>.lock`:
 * the operating system frees it with the process, however that ends. It is held by the engine's thread, so that it
 * outlives the one with the connection.
 */
export class SqliteClaim {
  readonly #ownership: Ownership;
  /** Null for a database in memory: nobody else can open it. */
  readonly #lockPath: string | null;
  #held: Disposable | null = null;

  constructor(ownership: Ownership, path: string) {
    this.#ownership = ownership;
    this.#lockPath = path === ':memory:' ? null : `${path}.lock`;
  }

  async acquire(owner: string, writers: number, waitMs: number, epochStep = 1): Promise<Lease> {
    const held = await this.#lock(waitMs);
    try {
      const { epoch, standings } = await this.#ownership.raiseEpoch(owner, writers, epochStep);
      this.#held = held;
      return {
        epoch,
        writers: standings,
        // the lock cannot be lost while the process lives
        onLost: () => {},
        [Symbol.asyncDispose]: async () => {
          held[Symbol.dispose]();
          if (this.#held === held) this.#held = null;
        },
      };
    } catch (error) {
      held[Symbol.dispose]();
      throw error;
    }
  }

  release(): void {
    this.#held?.[Symbol.dispose]();
    this.#held = null;
  }

  async #lock(waitMs: number): Promise<Disposable> {
    for (let waited = 0; ; waited += POLL_MS) {
      const held = this.#tryLock();
      if (held) return held;
      if (waited >= waitMs) throw await this.#ownedElsewhere();
      await sleep(POLL_MS);
    }
  }

  #tryLock(): Disposable | null {
    if (this.#held) return null;
    return this.#lockPath === null ? { [Symbol.dispose]: () => {} } : lockFile(this.#lockPath);
  }

  async #ownedElsewhere(): Promise<EngineError> {
    const owner = await this.#ownership.presentOwner();
    return new EngineError(
      'owned-elsewhere',
      `this database belongs to a running engine (${owner ?? 'still starting'})`,
      { hint: 'Stop the other one first, or give this one a database of its own (DATABASE_URL).' },
    );
  }
}

/** @returns null when somebody else holds it */
function lockFile(path: string): Disposable | null {
  let file: Database.Database | undefined;
  try {
    makePrivate(path);
    file = new Database(path, { timeout: 0 });
    file.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    file?.close();
    if (isBusy(error)) return null;
    throw sqliteFailure(error);
  }
  const lock = file;
  return { [Symbol.dispose]: () => void lock.close() };
}

/** One epoch for all writers, above all that were: whoever still writes under an older one is fenced. */
export function raiseEpoch(
  connection: Connection,
  owner: string,
  writers: number,
  step: number,
): Raised {
  return connection.transaction(() => {
    const last = connection.get<{ epoch: number; seq: number }>(
      'SELECT coalesce(max(epoch), 0) AS epoch, coalesce(max(seq), 0) AS seq FROM writer',
    );
    const epoch = (last?.epoch ?? 0) + step;
    connection.run('UPDATE writer SET epoch = ?, owner = ?', epoch, owner);
    for (let writer = 0; writer < writers; writer++) {
      connection.run(
        'INSERT INTO writer (shard, epoch, seq, owner) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
        writer,
        epoch,
        last?.seq ?? 0,
        owner,
      );
    }
    const standings = connection
      .all<{ writer: number; seq: number; cursors: string | null }>(
        'SELECT shard AS writer, seq, cursors FROM writer ORDER BY shard',
      )
      .map(({ cursors, ...of }) => ({
        ...of,
        cursors: cursors === null ? {} : (JSON.parse(cursors) as Cursors),
      }));
    return { epoch, standings };
  });
}

export function presentOwner(connection: Connection): string | null {
  const writer = connection.get<{ owner: string }>('SELECT owner FROM writer LIMIT 1');
  return writer?.owner ?? null;
}
