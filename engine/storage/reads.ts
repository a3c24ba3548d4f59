/** The verbs of a durable store that read. */
import type { Address } from '../model/envelope.ts';
import type {
  AlertRow,
  CandidateRow,
  CheckpointRow,
  DeadLetterRow,
  DeliveryRow,
  GenerationRow,
  HomeRow,
  IntentRow,
  JournalRow,
  LoadedTwin,
  LogRow,
  ProjectedKey,
  ProjectedRow,
  RelationWrite,
  Resolution,
  TwinRow,
} from '../model/rows.ts';
import type { Bucket } from '../model/twin-state.ts';
import type { Census, Wake } from './commit.ts';
import type { Owner, ProjectedQuery } from './projection-rows.ts';
import type {
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

/**
 * What may be given to those who only read. Failures: `storage-unavailable` (retryable) when the database cannot be reached now; anything
 * else is a bug and is thrown as it came.
 */
export interface StoreReads {
  /** `sqlite` or `postgres`, for logs and metrics. */
  readonly dialect: string;
  /** A cheap round trip: whether the store answers. */
  ping(): Promise<void>;

  // ── homes and twins ────────────────────────────────────────────────────────────────────────
  listHomes(page: PageRequest): Promise<Page<HomeRow>>;
  getHome(id: string): Promise<HomeRow | null>;
  /** Lists twins by id, ascending. */
  listTwins(home: string, filter: TwinFilter, page: PageRequest): Promise<Page<TwinRow>>;
  getTwin(address: Address): Promise<LoadedTwin | null>;
  /** A relation of this name of all twins of these homes, as each was last set. */
  listRelations(homes: readonly string[], name: string): Promise<RelationWrite[]>;
  /** The twins that exist among these, in one round trip, with their relations. */
  load(addresses: readonly Address[]): Promise<LoadedTwin[]>;
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
  /** The moment (epoch ms) since which turns say which labels they changed; those up to then do not. 0: all do. */
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
  /** Newest first; of all homes and of none when `home` is null. */
  listDeadLetters(home: string | null, page: PageRequest): Promise<Page<DeadLetterRow>>;
  getDeadLetter(id: string): Promise<DeadLetterRow | null>;
  countDeadLetters(): Promise<number>;
  /** Lists the candidates of one home, or of all homes when `home` is null. */
  listCandidates(home: string | null, page: PageRequest): Promise<Page<CandidateRow>>;
  getCandidate(address: Address): Promise<CandidateRow | null>;

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

  // ── projections (ADR 30) ───────────────────────────────────────────────────────────────────
  /** All generations, by name and generation; and the highest position of the log. */
  listGenerations(): Promise<{ generations: GenerationRow[]; head: number }>;
  /** The rows that there are of these, and the owners that there are of these rows. */
  readProjected(
    name: string,
    generation: number,
    keys: readonly ProjectedKey[],
  ): Promise<{ rows: ProjectedRow[]; owners: Owner[] }>;
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
  parkedStats(): Promise<{ depth: number; oldestAt: number | null }>;
}
