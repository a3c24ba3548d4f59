/** What one commit stores, and who may commit. */
import type { Address } from '../model/envelope.ts';
import type {
  AlertRow,
  CandidateRow,
  CheckpointRow,
  DeadLetterRow,
  HomeRow,
  IntentRow,
  LogRow,
  RelationWrite,
  RollupRow,
  TwinRow,
} from '../model/rows.ts';

/** Up to which position each destination has everything of a writer. */
export type Cursors = Readonly<Record<string, number>>;

/** How far a writer has come, and its readers. */
export interface WriterStanding {
  writer: number;
  /** The position of its last commit. */
  seq: number;
  cursors: Cursors;
}

export interface Lease extends AsyncDisposable {
  readonly epoch: number;
  /** All writers that there have ever been, as they stood when the claim was made. */
  readonly writers: readonly WriterStanding[];
  /** Called once if the claim is lost while the process lives. */
  onLost(callback: () => void): void;
}

/** A batch as rows: everything that one commit stores. */
export interface Commit {
  /** Which sequence of commits it belongs to. Commits of different ones overlap where the store lets them. */
  writer: number;
  epoch: number;
  /** The position of its last row, above all of the writer before. A commit without rows takes one, too. */
  seq: number;
  /** How far readers have come of this writer, as `saveCursors` has it; null: no further than is stored. */
  cursors: Cursors | null;
  /** Homes that came into being with a first message; existing ones stay as they are. */
  homes: HomeRow[];
  /** Whole rows, inserted or replaced; each address at most once. */
  twins: TwinRow[];
  /** Only `wakeAt` of a twin that had no turn. */
  wakes: Wake[];
  /** The turns in their order, with the positions that this commit gives them. */
  journal: LogRow[];
  /** Ids of deliveries that a later turn of the twin has made pointless, and that may be parked. */
  withdrawn: string[];
  /** Intents that have ended; each id at most once. */
  intents: IntentRow[];
  /** Whole rows, inserted or replaced; each id at most once. */
  alerts: AlertRow[];
  /** Increments; each bucket at most once. */
  rollups: RollupRow[];
  checkpoints: CheckpointRow[];
  relations: RelationWrite[];
  deadLetters: DeadLetterRow[];
  /** Inserted, or merged: `messages` adds up, `firstSeenAt` stays; each address at most once. */
  candidates: CandidateRow[];
}

/** How many twins a home has, by kind. */
export type Census = ReadonlyMap<string, number>;

export interface Wake extends Address {
  /** Null (only when written): nothing waits. */
  wakeAt: number | null;
}
