import type { Commit, Storage } from '../port.ts';

/** A store that a contract test may do anything to. */
interface Subject extends AsyncDisposable {
  storage: Storage;
  /**
   * Opens the same database once more, the first being neither closed nor told: what a new process
   * finds after a crash. Null where the database dies with its storage. The caller disposes.
   */
  reopen: (() => Promise<Storage>) | null;
}

export type OpenSubject = () => Promise<Subject>;

/** More than any store's shards: an engine has several to a shard. */
export const WRITERS = 4;

/** Commits with the right epoch and the next seq. */
export class Writer {
  readonly storage: Storage;
  readonly epoch: number;
  readonly index: number;
  #seq = 0;

  constructor(storage: Storage, epoch: number, index = 0) {
    this.storage = storage;
    this.epoch = epoch;
    this.index = index;
  }

  /** Takes the database over. */
  static async of(storage: Storage): Promise<Writer> {
    const lease = await storage.acquire('test', WRITERS, 0);
    return new Writer(storage, lease.epoch);
  }

  async write(parts: Partial<Commit>): Promise<void> {
    await this.storage.commit(this.next(parts));
    this.#seq++;
  }

  next(parts: Partial<Commit>): Commit {
    return commitOf({ writer: this.index, epoch: this.epoch, seq: this.#seq + 1, ...parts });
  }
}

export function commitOf(parts: Partial<Commit>): Commit {
  return {
    writer: 0,
    epoch: 1,
    seq: 1,
    homes: [],
    twins: [],
    wakes: [],
    journal: [],
    outbox: [],
    withdrawn: [],
    intents: [],
    alerts: [],
    rollups: [],
    checkpoints: [],
    relations: [],
    deadLetters: [],
    candidates: [],
    ...parts,
  };
}
