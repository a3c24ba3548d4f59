import type { IntentWrite, JournalRow } from '../../model/rows.ts';
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

/** What a test writes: turns without their positions, and intents without what the outbox knows of them. */
export interface Parts extends Partial<Omit<Commit, 'journal' | 'intents'>> {
  journal?: JournalRow[];
  intents?: IntentWrite[];
}

/** Commits with the right epoch and the next positions. */
export class Writer {
  readonly storage: Storage;
  readonly epoch: number;
  readonly index: number;
  #seq: number;

  /** @param seq the last position that is taken */
  constructor(storage: Storage, epoch: number, index = 0, seq = 0) {
    this.#seq = seq;
    this.storage = storage;
    this.epoch = epoch;
    this.index = index;
  }

  /** Takes the database over. */
  static async of(storage: Storage): Promise<Writer> {
    const lease = await storage.acquire('test', WRITERS, 0);
    return new Writer(storage, lease.epoch, 0, Math.max(...lease.writers.map(({ seq }) => seq)));
  }

  /** @returns the position of the last row */
  async write(parts: Parts): Promise<number> {
    const commit = this.next(parts);
    await this.storage.commit(commit);
    this.#seq = commit.seq;
    return commit.seq;
  }

  next(parts: Parts): Commit {
    const seq = this.#seq + Math.max(1, parts.journal?.length ?? 0);
    return commitOf({ writer: this.index, epoch: this.epoch, seq, ...parts });
  }
}

export function commitOf({ journal = [], intents = [], ...parts }: Parts): Commit {
  const { writer = 0, seq = Math.max(1, journal.length) } = parts;
  return {
    epoch: 1,
    cursors: null,
    homes: [],
    twins: [],
    wakes: [],
    withdrawn: [],
    alerts: [],
    rollups: [],
    checkpoints: [],
    relations: [],
    deadLetters: [],
    candidates: [],
    ...parts,
    ...{ writer, seq },
    journal: journal.map((row, at) => ({ ...row, writer, seq: seq - journal.length + 1 + at })),
    intents: intents.map((row) => ({ sentAt: null, attempts: 0, ...row })),
  };
}
