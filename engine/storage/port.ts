import type { Address } from '../model/envelope.ts';
import type { Json } from '../model/json.ts';
import type {
  AlertRow,
  CandidateRow,
  CheckpointRow,
  DeadLetterRow,
  DeliveryRow,
  GenerationRow,
  HomeRow,
  IntentRow,
  IntentStatus,
  JournalRow,
  LoadedTwin,
  LogRow,
  ProjectedKey,
  ProjectedRow,
  RelationWrite,
  Resolution,
  RollupRow,
  TwinRow,
} from '../model/rows.ts';
import type { Bucket, PendingIntent } from '../model/twin-state.ts';

/**
 * The verbs that a durable store gives the engine. Two implementations, `sqlite/` and `postgres/`,
 * pass one suite: `storage.contract.ts`.
 *
 * Failures: `storage-unavailable` and `storage-full` (both retryable) when the database cannot be
 * reached or written now; `fenced` when another engine has taken over; anything else is a bug and
 * is thrown as it came.
 */
export interface Storage extends AsyncDisposable {
  /** `sqlite` or `postgres`, for logs and metrics. */
  readonly dialect: string;
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
  /** The twins that exist among these, in one round trip, with their relations. */
  load(addresses: readonly Address[]): Promise<LoadedTwin[]>;
  /**
   * Stores a batch in one transaction, fenced: it applies only if `epoch` is the current one and
   * `seq` lies above the writer's last. A `seq` that is stored already is a commit whose answer was
   * lost: it returns without writing again.
   * @throws EngineError `fenced` when the epoch is not the current one
   */
  commit(commit: Commit): Promise<void>;

  // ── time ───────────────────────────────────────────────────────────────────────────────────
  /** Twins whose `wakeAt` is at or before `until`, earliest first, after the given one (keyset). */
  dueWakes(until: number, limit: number, after: Wake | null): Promise<Wake[]>;

  // ── the log ────────────────────────────────────────────────────────────────────────────────
  /**
   * Turns after position `after`, up to `upTo` inclusive, by their position: all whose commits were answered
   * before the call. A writer that commits meanwhile may have stored more within the range afterwards, above all
   * of its rows that are given.
   */
  readLog(after: number, upTo: number): Promise<LogRow[]>;
  /**
   * Turns of one home from position `from` on, up to `upTo`, both inclusive, by their position, of one snapshot; and
   * the highest position that there was when a twin of the home was last removed, with its turns. 0: none was.
   * The whole range is looked through, whoever's it is.
   */
  readHomeLog(
    home: string,
    from: number,
    upTo: number,
    limit: number,
  ): Promise<{ rows: LogRow[]; removedAt: number }>;
  /**
   * Turns after position `after`, by their position: about `limit` at most, but never a part of those of one position;
   * and the position up to which that is all, at most `upTo`. Only for positions below which nothing is being committed.
   */
  readLogSlice(
    after: number,
    upTo: number,
    limit: number,
  ): Promise<{ rows: LogRow[]; upTo: number }>;
  /**
   * Up to where readers have come of each writer, fenced: written unless the epoch is another by now. Of each destination
   * the greater one stays: saves and commits overlap, and the older one may come last.
   */
  saveCursors(epoch: number, cursors: ReadonlyMap<number, Cursors>): Promise<void>;

  // ── projections (ADR 30) ───────────────────────────────────────────────────────────────────
  /** All generations, by name and generation; and the highest position of the log. */
  listGenerations(): Promise<{ generations: GenerationRow[]; head: number }>;
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
  /** The rows that there are of these, and the owners that there are of these rows. */
  readProjected(
    name: string,
    generation: number,
    keys: readonly ProjectedKey[],
  ): Promise<{ rows: ProjectedRow[]; owners: Owner[] }>;
  /**
   * Writes rows and cursor in one transaction, fenced. Rows whose owner is gone, or another one by now, are left out.
   * @returns false, and nothing is written, where the cursor is not where the step begins
   * @throws EngineError `fenced` when the epoch is not the current one
   */
  project(step: ProjectionStep): Promise<boolean>;
  /** Deletes at most so many rows of generations that have ended, then these. @returns how many; 0: none is left */
  dropGenerations(limit: number): Promise<number>;
  /**
   * Rows of the generation that answers with keys of a range (`from` inclusive, `to` exclusive), by twin and key: of the home
   * as a whole (`twin` empty), of one twin, or of each twin of the home (null). Begins after the given one.
   */
  listProjected(query: ProjectedQuery, limit: number): Promise<ProjectedRow[]>;

  // ── parked deliveries ──────────────────────────────────────────────────────────────────────
  /** Deliveries that wait for their time, in the order in which they were first parked, after place `after`. */
  listParked(after: number, limit: number): Promise<{ place: number; row: DeliveryRow }[]>;
  /** The first `most` rows of each of these twins for a destination, in the same order. */
  listParkedOf(
    destination: string,
    twins: readonly Address[],
    most: number,
  ): Promise<DeliveryRow[]>;
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
  parkedStats(): Promise<{ depth: number; oldestAt: number | null }>;

  // ── homes ──────────────────────────────────────────────────────────────────────────────────
  listHomes(page: PageRequest): Promise<Page<HomeRow>>;
  getHome(id: string): Promise<HomeRow | null>;
  /** @returns false if a home of this id exists */
  insertHome(home: HomeRow): Promise<boolean>;
  updateHome(home: HomeRow): Promise<void>;
  /** Removes the home and all that belongs to it. */
  deleteHome(id: string): Promise<void>;

  // ── reading ────────────────────────────────────────────────────────────────────────────────
  /** By twin id, ascending. */
  listTwins(home: string, filter: TwinFilter, page: PageRequest): Promise<Page<TwinRow>>;
  getTwin(address: Address): Promise<LoadedTwin | null>;
  /** A relation of this name of all twins of these homes, as each was last set. */
  listRelations(homes: readonly string[], name: string): Promise<RelationWrite[]>;
  /** Removes a twin with its journal, history, alerts, intents, timers, deliveries and relations. */
  deleteTwin(address: Address): Promise<void>;
  countTwins(): Promise<number>;
  /** How many twins each of these homes has, by kind; a home without twins, or that is not there, has none. */
  countKinds(homes: readonly string[]): Promise<Map<string, Census>>;
  /** Newest first; the cursor is a revision. */
  listJournal(address: Address, page: PageRequest): Promise<Page<JournalRow>>;
  /** Turns of a twin with revisions in the range (`from` inclusive, `to` exclusive) that pass, newest first. */
  listTurns(
    address: Address,
    range: Range,
    filter: TurnFilter,
    limit: number,
  ): Promise<JournalRow[]>;
  /**
   * Turns of a home that pass, newest first, ties by twin and revision, both descending.
   * @param from the earliest `receivedAt`, inclusive
   * @param before begins after this key
   */
  listHomeTurns(
    home: string,
    from: number,
    before: TurnKey,
    filter: TurnFilter,
    limit: number,
  ): Promise<JournalRow[]>;
  /** `receivedAt` of the turn of a home that has `skipped` others between itself and a moment; null: there are not as many. */
  momentBefore(home: string, before: number, skipped: number): Promise<number | null>;
  /** Oldest first, revisions from `from` on: for replay. */
  readJournal(address: Address, from: number, limit: number): Promise<JournalRow[]>;
  /** The latest, or the latest up to a revision. */
  latestCheckpoint(address: Address, upTo?: number): Promise<CheckpointRow | null>;
  /** The latest at or before a moment (epoch ms). */
  checkpointBefore(address: Address, at: number): Promise<CheckpointRow | null>;
  /** Turns from a revision on that changed the state or a reported label, oldest first. */
  readChanges(address: Address, from: number, limit: number): Promise<ChangeRow[]>;
  /** Since when turns say which labels they changed; those up to then (epoch ms) do not. 0: all do. */
  labelsSince(): Promise<number>;
  /**
   * Telemetry of a span that carries the measurement as a number, oldest first: a stretch of it, which begins at a key.
   * It looks at `most` turns that came in soon after they happened, or at those of twenty minutes, and at `most` that
   * came in later, whatever it finds in them.
   */
  listSamples(query: HistoryQuery, from: SampleKey | null, most: number): Promise<SampleStretch>;
  /** Stored buckets that start in the span, oldest first. */
  listRollups(query: HistoryQuery, resolution: Resolution, limit: number): Promise<Bucket[]>;
  /** Intents that have ended, newest first. */
  listEndedIntents(home: string, filter: IntentFilter, page: PageRequest): Promise<Page<IntentRow>>;
  getEndedIntent(home: string, id: string): Promise<IntentRow | null>;
  /** The open commands of a home's twins, or of one of them, as their states have them. */
  listOpenCommands(home: string, twin: string | null): Promise<OpenCommands[]>;
  /** Newest first. */
  listAlerts(home: string, filter: AlertFilter, page: PageRequest): Promise<Page<AlertRow>>;
  getAlert(home: string, id: string): Promise<AlertRow | null>;

  // ── dead letters and candidates ────────────────────────────────────────────────────────────
  /** Stores dead letters from outside a batch. Each home keeps the newest `deadLettersPerHome`. */
  insertDeadLetters(rows: readonly DeadLetterRow[]): Promise<void>;
  /** Newest first; of all homes and of none when `home` is null. */
  listDeadLetters(home: string | null, page: PageRequest): Promise<Page<DeadLetterRow>>;
  getDeadLetter(id: string): Promise<DeadLetterRow | null>;
  deleteDeadLetter(id: string): Promise<void>;
  /** Parks a dead delivery, due now, and deletes its dead letter, in one transaction. */
  reviveDelivery(deadLetterId: string, row: DeliveryRow): Promise<void>;
  countDeadLetters(): Promise<number>;
  /** Of all homes when `home` is null. */
  listCandidates(home: string | null, page: PageRequest): Promise<Page<CandidateRow>>;
  getCandidate(address: Address): Promise<CandidateRow | null>;
  deleteCandidate(address: Address): Promise<void>;

  // ── starts ─────────────────────────────────────────────────────────────────────────────────
  /** Stores that the program starts, before anything else happens. @returns the starts before it, newest first */
  beginStart(id: string, at: number): Promise<StartRow[]>;
  /** It has ended as it should. */
  endStart(id: string): Promise<void>;

  // ── upkeep ─────────────────────────────────────────────────────────────────────────────────
  /** Makes room for coming writes (partitions) and drops what is older than the retention allows. */
  maintain(retention: Retention): Promise<void>;
  /** A cheap round trip: whether the store answers. */
  ping(): Promise<void>;
}

/** Of a row of a projection: a twin, or a home (`twin` empty). */
export interface Owner extends Address {
  incarnation: string;
}

/** What turns have come to in the rows of a generation. */
export interface ProjectionStep {
  epoch: number;
  name: string;
  generation: number;
  /** The cursor before it. */
  from: number;
  /** The cursor after it. */
  to: number;
  /** Each row at most once. `value` null: it goes. `incarnation`: of its owner. */
  puts: readonly (ProjectedKey & { value: Json | null; incarnation: string })[];
  /** The first turn of the step, for a generation that has applied none; null: the step has none. */
  first: { start: number; since: number } | null;
  /** When its last turn was received; null: it has none. */
  appliedAt: number | null;
  /** How many turns were left out, and why the last of them was. */
  skipped: number;
  error: string | null;
}

export interface ProjectedQuery {
  name: string;
  home: string;
  twin: string | null;
  from: string;
  to: string;
  after: { twin: string; key: string } | null;
}

/** A start of the program. */
export interface StartRow {
  id: string;
  /** Epoch ms, by the wall clock of whoever started. */
  at: number;
  /** Whether it has ended as it should. */
  ended: boolean;
}

/** Up to which position each destination has everything of a writer. */
export type Cursors = Readonly<Record<string, number>>;

/** How far a writer has come, and its readers. */
export interface WriterStanding {
  writer: number;
  /** Of its last commit. */
  seq: number;
  cursors: Cursors;
}

export interface OpenCommands extends Address {
  incarnation: string;
  pending: PendingIntent[];
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
  /** How far readers have come of this writer, as {@link Storage.saveCursors} has it; null: no further than is stored. */
  cursors: Cursors | null;
  /** Homes that came into being with a first message; existing ones stay as they are. */
  homes: HomeRow[];
  /** Whole rows, inserted or replaced; each address at most once. */
  twins: TwinRow[];
  /** Only `wakeAt` of a twin that had no turn. */
  wakes: Wake[];
  /** In their order, with the positions that this commit gives them. */
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

export interface PageRequest {
  limit: number;
  /** Opaque; from the former page's `nextCursor`. @throws EngineError `bad-input` for any other text */
  cursor?: string | undefined;
}
export interface Page<T> {
  items: T[];
  nextCursor: string | null;
}

export interface TwinFilter {
  kind?: string | undefined;
  room?: string | undefined;
  /** A state by its path, `link.offline`, or a top-level state, `idle`. */
  state?: string | undefined;
  /** Case-insensitive part of the id or name. */
  text?: string | undefined;
}
export interface IntentFilter {
  twin?: string | undefined;
  status?: IntentStatus | undefined;
  /** Id of the event that asked for it. */
  cause?: string | undefined;
}
export interface AlertFilter {
  twin?: string | undefined;
  status?: AlertRow['status'] | undefined;
}
/** `from` inclusive, `to` exclusive. */
export interface Range {
  from: number;
  to: number;
}
/** Where a turn stands in the journal of its home. */
export type TurnKey = readonly [receivedAt: number, twin: string, revision: number];
export interface TurnFilter {
  kind?: string | undefined;
  /** Of the event. */
  type?: string | undefined;
  principal?: string | undefined;
  /** Only turns that changed the state or a reported label. */
  changed?: boolean | undefined;
  /** Kinds whose twins' turns do not pass. */
  exceptKinds?: readonly string[] | undefined;
}

/** What a turn has changed, of its journal row. */
export type ChangeRow = Pick<JournalRow, 'revision' | 'at' | 'receivedAt' | 'state' | 'reported'>;

/** `from` inclusive, `to` exclusive, epoch ms. */
export interface HistoryQuery extends Address {
  measurement: string;
  from: number;
  to: number;
}
/** Where a stretch of samples begins: a moment, and a place among the turns that happened then. */
export type SampleKey = readonly [at: number, place: number];
export interface SampleStretch {
  samples: { at: number; value: number }[];
  /** Where the next one begins; null: nothing is left of the span. */
  next: SampleKey | null;
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
