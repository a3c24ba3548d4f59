import type { Address } from '../model/envelope.ts';
import type { DeadLetterRow, DeliveryRow, HomeRow } from '../model/rows.ts';
import type { Commit, Cursors, Lease } from './commit.ts';
import type { ProjectionStep } from './projection-rows.ts';
import type { StoreReads } from './reads.ts';

export type { Census, Commit, Cursors, Lease, Wake, WriterStanding } from './commit.ts';
export type { Owner, ProjectedQuery, ProjectionStep } from './projection-rows.ts';
export type {
  AlertFilter,
  ChangeRow,
  HistoryQuery,
  IntentFilter,
  OpenCommands,
  Page,
  PageRequest,
  Range,
  SampleKey,
  SampleStretch,
  TurnFilter,
  TurnKey,
  TwinFilter,
} from './queries.ts';
export type { StoreReads } from './reads.ts';

/**
 * The operations that a durable store gives the engine. Two implementations, `sqlite/` and `postgres/`,
 * pass one suite: `storage.contract.ts`.
 *
 * Failures: `storage-unavailable` and `storage-full` (both retryable) when the database cannot be
 * reached or written now; `fenced` when another engine has taken over; anything else is a bug and
 * is thrown as it came.
 */
export interface Storage extends StoreReads, AsyncDisposable {
  /** How many shards this store gains from: 1 where nothing can be folded while a commit is stored. */
  readonly shards: number;

  // ── ownership ──────────────────────────────────────────────────────────────────────────────
  /**
   * Makes the caller the only writer and raises the fencing epoch. The claim ends with the process,
   * however that ends, or with the lease's disposal.
   * @param writers how many sequences of commits it will write at least, numbered from 0
   * @param waitMs how long to wait for a former owner to let go
   * @param epochStep how far the new epoch lies above the highest so far; default 1
   * @throws EngineError `owned-elsewhere` when it does not
   */
  acquire(owner: string, writers: number, waitMs: number, epochStep?: number): Promise<Lease>;

  // ── the way of an event ────────────────────────────────────────────────────────────────────
  /**
   * Stores a batch in one transaction, fenced: it applies only if `epoch` is the current one and
   * `seq` lies above the writer's last. A `seq` that is stored already is a commit whose answer was
   * lost: it returns without writing again.
   * @throws EngineError `fenced` when the epoch is not the current one
   */
  commit(commit: Commit): Promise<void>;

  // ── the log ────────────────────────────────────────────────────────────────────────────────
  /**
   * Up to where readers have come of each writer, fenced: written unless the epoch is another by now. Of each destination
   * the greater one stays: saves and commits overlap, and the older one may come last.
   */
  saveCursors(epoch: number, cursors: ReadonlyMap<number, Cursors>): Promise<void>;

  // ── projections (ADR 30) ───────────────────────────────────────────────────────────────────
  /** Begins a generation from the beginning of the log. @returns its number; null while another one is being built */
  beginGeneration(name: string, version: number, at: number): Promise<number | null>;
  /** Ends one that is being built. */
  endGeneration(name: string, generation: number): Promise<void>;
  /** Retires projections that are not among these, and ends what is being built of them. */
  retireProjections(except: readonly string[]): Promise<void>;
  /**
   * What is built answers from now on, and what has answered ends. Fenced.
   * @returns false where it is not being built any more
   */
  switchGeneration(epoch: number, name: string, generation: number, at: number): Promise<boolean>;
  /**
   * Writes rows and cursor in one transaction, fenced. Rows whose owner is gone, or another one by now, are left out.
   * @returns false, and nothing is written, where the cursor is not where the step begins
   * @throws EngineError `fenced` when the epoch is not the current one
   */
  project(step: ProjectionStep): Promise<boolean>;
  /** Deletes at most so many rows of generations that have ended, then these. @returns how many; 0: none is left */
  dropGenerations(limit: number): Promise<number>;

  // ── parked deliveries ──────────────────────────────────────────────────────────────────────
  /**
   * Parks deliveries, or stores `attempts` and `notBefore` of those that are parked. Whoever raises the epoch finds what was
   * parked under the one before.
   * @param epoch 0: nobody has owned the database yet
   * @throws EngineError `fenced` when the epoch is not the current one
   */
  park(epoch: number, rows: readonly DeliveryRow[]): Promise<void>;
  /**
   * Ends deliveries in one transaction: deletes those that are parked, and keeps the letters of dead ones whose twin is there.
   * Fenced as {@link park} is.
   */
  endDeliveries(
    epoch: number,
    ids: readonly string[],
    letters: readonly DeadLetterRow[],
  ): Promise<void>;

  // ── homes and twins ────────────────────────────────────────────────────────────────────────
  /** @returns false if a home of this id exists */
  insertHome(home: HomeRow): Promise<boolean>;
  updateHome(home: HomeRow): Promise<void>;
  /** Removes the home and all that belongs to it. */
  deleteHome(id: string): Promise<void>;
  /** Removes a twin with its journal, history, alerts, intents, timers, deliveries and relations. */
  deleteTwin(address: Address): Promise<void>;

  // ── dead letters and candidates ────────────────────────────────────────────────────────────
  /** Stores dead letters from outside a batch. Each home keeps the newest `deadLettersPerHome`. */
  insertDeadLetters(rows: readonly DeadLetterRow[]): Promise<void>;
  deleteDeadLetter(id: string): Promise<void>;
  /** Parks a dead delivery, due now, and deletes its dead letter, in one transaction. */
  reviveDelivery(deadLetterId: string, row: DeliveryRow): Promise<void>;
  deleteCandidate(address: Address): Promise<void>;

  // ── starts ─────────────────────────────────────────────────────────────────────────────────
  /** Stores that the program starts, before anything else happens. @returns the starts before it, newest first */
  beginStart(id: string, at: number): Promise<StartRow[]>;
  /** It has ended as it should. */
  endStart(id: string): Promise<void>;

  // ── upkeep ─────────────────────────────────────────────────────────────────────────────────
  /** Makes room for coming writes (partitions) and drops what is older than the retention allows. */
  maintain(retention: Retention): Promise<void>;
}

/** A start of the program. */
export interface StartRow {
  id: string;
  /** Epoch ms, by the wall clock of whoever started. */
  at: number;
  /** Whether it has ended as it should. */
  ended: boolean;
}

/** What is older than these moments (epoch ms) goes; what a replay needs stays. */
export interface Retention {
  now: number;
  /** Journal partitions that end before this moment; a checkpoint is written first where needed. */
  journalBefore: number;
  /** Position up to which every reader of the log has come: turns above it stay, however old. */
  readUpTo: number;
  /** 5-minute rollups; hours and days stay. */
  rollupsBefore: number;
  /** Ended intents and cleared alerts. */
  endedBefore: number;
}

/** What both implementations take besides where the database is. */
export interface StorageOptions {
  deadLettersPerHome: number;
}
