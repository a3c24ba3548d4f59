import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type PostgresServer, startPostgres } from '../engine/testing/postgres-server.ts';
import { query } from './sql.ts';

/** On, as they are by themselves; said here since tests turn the former off. */
export const DURABLE = ['fsync=on', 'synchronous_commit=on'];

/** Set up as an operator would a server with a few GB of memory; nothing here trades durability. */
const SETTINGS = [...DURABLE, 'shared_buffers=1GB', 'max_wal_size=4GB', 'checkpoint_timeout=15min'];

/** A PostgreSQL of the bench's own, whose databases begin empty. */
export class Databases implements AsyncDisposable {
  readonly #server: PostgresServer;
  #count = 0;

  private constructor(server: PostgresServer) {
    this.#server = server;
  }

  static async start(settings = SETTINGS): Promise<Databases> {
    return new Databases(await startPostgres(settings));
  }

  /** The id of the server's main process; its other processes are children of it. */
  get pid(): number {
    const [first = ''] = readFileSync(join(this.#server.folder, 'postmaster.pid'), 'utf8').split(
      '\n',
    );
    return Number(first);
  }

  /** @returns the URL of an empty database */
  async create(): Promise<string> {
    const name = `bench_${++this.#count}`;
    await query(this.#server.url, `CREATE DATABASE ${name} ENCODING 'UTF8' TEMPLATE template0`);
    const url = new URL(this.#server.url);
    url.pathname = `/${name}`;
    return url.href;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
  }
}
