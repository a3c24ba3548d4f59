import { setTimeout as sleep } from 'node:timers/promises';
import { backoffMs } from '../../model/backoff.ts';
import type { Clock } from '../../model/clock.ts';
import { EngineError, messageOf } from '../../model/errors.ts';
import type { GenerationRow, LogRow } from '../../model/rows.ts';
import type { EngineTelemetry } from '../../model/telemetry.ts';
import type { ProjectionStep, Storage } from '../../storage/port.ts';
import type { Horizon } from '../horizon.ts';
import type { Feed } from './feed.ts';
import { findGenerations } from './generations.ts';
import type { Projection } from './projection.ts';
import { lineOf, ofTwins, timesOf, turnOf } from './slice.ts';
import { foldTurns, type LeftOut } from './step.ts';

export interface ProjectorOptions {
  storage: Pick<
    Storage,
    | 'readLogSlice'
    | 'listGenerations'
    | 'beginGeneration'
    | 'endGeneration'
    | 'switchGeneration'
    | 'readProjected'
    | 'project'
    | 'dropGenerations'
  >;
  clock: Clock;
  telemetry: EngineTelemetry;
  random: () => number;
  epoch: number;
  feed: Feed;
  horizon: Horizon;
  /** Whether no event has come for a while. */
  isQuiet: () => boolean;
}

const EVERY_MS = 1_000;
/** Turns that are read from the store at once. */
const SLICE = 500;
/** Turns from memory of one transaction, and of how many twins: what is written at once holds up SQLite's other writers. */
const MAX_TURNS = 10_000;
const MAX_TWINS = 2_500;
/** Rows that are read at once: commits have their turn in between. */
const ROWS = 500;
/** Rows of a former generation that are deleted at once. */
const DROPPED = 1_000;
/** How long one rests after a slice, at most. */
const MAX_REST_MS = 100;
const RETRY = { baseMs: 200, capMs: 30_000 };

/** What happens to owners of rows while a step is under way. */
interface Round {
  gone: ((of: { home: string; twin: string }) => boolean)[];
  /** What was read may be of an owner that is gone. */
  isVoid: boolean;
}

/** Keeps one projection up with the log, and builds it anew beside that. */
export class Projector {
  readonly definition: Projection;
  readonly #options: ProjectorOptions;
  /** The generation that answers, where this definition goes on with it. */
  #active: GenerationRow | null = null;
  #building: GenerationRow | null = null;
  /** Whether the two are as they are stored, as far as is known. */
  #isLoaded = false;
  #round: Round | null = null;
  #running: Promise<void> | null = null;
  #again = false;
  #alarm: Disposable | null = null;
  /** The moment since which turns wait that no run has begun to look at. */
  #since: number | null = null;
  #failures = 0;
  #closed = false;

  constructor(definition: Projection, options: ProjectorOptions) {
    this.definition = definition;
    this.#options = options;
  }

  /** The position up to which it has every turn; 0 while that is not known. */
  get cursor(): number {
    if (!this.#isLoaded) return 0;
    const cursors = [this.#active, this.#building].flatMap((one) => (one ? [one.cursor] : []));
    return Math.min(Number.MAX_SAFE_INTEGER, ...cursors);
  }

  /** Positions, and seconds, that its answers are behind what is committed; of what is built, where nothing answers yet. */
  lag(): { positions: number; seconds: number } {
    const { feed, horizon, clock } = this.#options;
    const generation = this.#active ?? this.#building;
    if (!generation) return { positions: 0, seconds: 0 };
    const { cursor, appliedAt } = generation;
    const positions = Math.max(0, horizon.last - cursor);
    const isInMemory = feed.reaches(cursor);
    const since = isInMemory ? feed.waiting(cursor).since : (appliedAt ?? generation.begunAt);
    const seconds = positions === 0 || since === null ? 0 : (clock.now() - since) / 1_000;
    return { positions, seconds: Math.max(0, seconds) };
  }

  /** Turns have been committed. */
  note(): void {
    const { clock } = this.#options;
    this.#since ??= clock.now();
    if (this.#running || this.#closed) return;
    const wait = this.#restOfWait(this.#since);
    if ((this.#isFull || wait === 0) && this.#failures === 0) this.kick();
    else this.#alarm ??= clock.delay(wait, () => this.kick());
  }

  /** Whether memory will soon not hold what it has still to apply. */
  get #isFull(): boolean {
    const active = this.#active;
    return active !== null && this.#options.feed.isHalfFull(active.cursor);
  }

  /** Turns that came during a run have waited for as long as that went on. A clock that was set is not trusted. */
  #restOfWait(since: number): number {
    const { everyMs = EVERY_MS } = this.definition;
    const waited = this.#options.clock.now() - since;
    return Math.max(0, Math.min(everyMs, everyMs - waited));
  }

  /** Applies what there is now. */
  kick(): void {
    this.#alarm?.[Symbol.dispose]();
    this.#alarm = null;
    if (this.#closed) return;
    this.#since = null;
    this.#again = true;
    this.#running ??= this.#run().finally(() => {
      this.#running = null;
      if (!this.#isLoaded) return;
      // What was committed at the end
      if (this.cursor < this.#options.horizon.last) this.note();
      else this.#since = null;
    });
  }

  /** What is stored may be another than is known: a request from outside, a lost answer. */
  reload(): void {
    this.#isLoaded = false;
    this.kick();
  }

  /** Whether a generation is stored that is not known here. */
  lacks(generations: readonly GenerationRow[]): boolean {
    const { name } = this.definition;
    const stored = generations.find((one) => one.name === name && one.status === 'building');
    return this.#running === null && stored?.generation !== this.#building?.generation;
  }

  /**
   * Owners of rows were deleted: what a step that is under way has of them is left out. By name, as the store may find the
   * next owner of that name already; its own turns come in a later step, since they lie above where this one ends.
   */
  forget({ home, twin }: { home: string; twin?: string }): void {
    this.#round?.gone.push((of) => of.home === home && (twin === undefined || of.twin === twin));
  }

  /** Owners of rows may have been deleted: a step that is under way begins again. */
  distrust(): void {
    if (this.#round) this.#round.isVoid = true;
  }

  get isIdle(): boolean {
    return this.#running === null;
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    while (this.#running) await this.#running;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#alarm?.[Symbol.dispose]();
    await this.idle();
  }

  async #run(): Promise<void> {
    try {
      while (this.#again && !this.#closed) {
        this.#again = false;
        if (!this.#isLoaded) {
          const { storage, clock } = this.#options;
          const found = await findGenerations(storage, this.definition, clock.now());
          this.#active = found.active;
          this.#building = found.building;
          this.#isLoaded = true;
        }
        await this.#catchUp();
        this.#failures = 0;
      }
    } catch (error) {
      this.#isLoaded = false;
      this.#round = null;
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    const { telemetry, clock, random } = this.#options;
    // Another engine goes on with it
    if (error instanceof EngineError && error.code === 'fenced') this.#closed = true;
    if (this.#closed) return;
    this.#failures++;
    telemetry.emit('projection.failed', {
      projection: this.definition.name,
      attempt: this.#failures,
      error: messageOf(error),
    });
    this.#again = false;
    this.#alarm?.[Symbol.dispose]();
    this.#alarm = clock.delay(backoffMs(this.#failures, RETRY, random()), () => this.kick());
  }

  /**
   * Both generations up to what there is at its beginning, the one that answers first; then the other takes its place.
   * What comes meanwhile waits for its interval: with steady load there is something after each slice.
   */
  async #catchUp(): Promise<void> {
    const { horizon, clock } = this.#options;
    let upTo = horizon.settled;
    let looked = clock.now();
    while (!this.#closed && this.#isLoaded) {
      // A long way: what answers goes on as often as otherwise
      if (this.#isFull || this.#restOfWait(looked) === 0) {
        upTo = horizon.settled;
        looked = clock.now();
      }
      const began = performance.now();
      // A slice of it in each round: what answers goes on meanwhile
      const dropped = await this.#options.storage.dropGenerations(DROPPED);
      if (this.#active && this.#active.cursor < upTo) {
        this.#active = await this.#advance(this.#active, upTo);
      } else if (!this.#building && dropped === 0) {
        return;
      }
      if (this.#building) {
        if (this.#building.cursor < upTo) {
          this.#building = await this.#advance(this.#building, upTo);
        } else if (this.#building.cursor >= (this.#active?.cursor ?? 0)) {
          await this.#switch(this.#building);
        }
      }
      await this.#rest(performance.now() - began);
    }
    // Somebody else has moved it
    if (!this.#isLoaded) this.#again = true;
  }

  async #switch(building: GenerationRow): Promise<void> {
    const { storage, clock, epoch, telemetry } = this.#options;
    const { name, generation, version, begunAt } = building;
    const builtAt = clock.now();
    if (!(await storage.switchGeneration(epoch, name, generation, builtAt))) {
      this.#isLoaded = false;
      return;
    }
    this.#active = { ...building, status: 'active', builtAt };
    this.#building = null;
    telemetry.emit('projection.built', {
      ...{ projection: name, generation, version },
      tookMs: builtAt - begunAt,
    });
  }

  /** One slice. @returns where the generation stands then */
  async #advance(generation: GenerationRow, upTo: number): Promise<GenerationRow> {
    const { storage, feed } = this.#options;
    this.#round = { gone: [], isVoid: false };
    const remembered = feed.read(generation.cursor, upTo, MAX_TURNS);
    if (remembered) {
      const turns = ofTwins(remembered.turns, MAX_TWINS);
      const isCut = turns.length < remembered.turns.length;
      const reached = isCut ? (turns.at(-1)?.seq ?? upTo) : remembered.upTo;
      return await this.#apply(generation, turns, reached);
    }
    const slice = await storage.readLogSlice(generation.cursor, upTo, SLICE);
    return await this.#apply(generation, slice.rows, slice.upTo);
  }

  async #apply(
    generation: GenerationRow,
    turns: readonly LogRow[],
    upTo: number,
  ): Promise<GenerationRow> {
    const { storage } = this.#options;
    const { name } = generation;
    const round = this.#round as Round;
    const began = performance.now();
    const { puts, leftOut } = await foldTurns(this.definition, turns, async (keys) => {
      const found: Awaited<ReturnType<Storage['readProjected']>> = { rows: [], owners: [] };
      for (let at = 0; at < keys.length; at += ROWS) {
        const some = keys.slice(at, at + ROWS);
        const { rows, owners } = await storage.readProjected(name, generation.generation, some);
        found.rows.push(...rows);
        found.owners.push(...owners);
      }
      return found;
    });
    if (round.isVoid) return generation;
    const kept = puts.filter((put) => !round.gone.some((is) => is(put)));
    const last = leftOut.at(-1);
    try {
      const moved = await this.#move(generation, {
        ...{ from: generation.cursor, to: upTo, puts: kept },
        ...timesOf(turns),
        ...{ skipped: leftOut.length, error: last ? lineOf(last) : null },
      });
      if (moved !== generation) this.#tell(turns.length, kept.length, leftOut, began);
      return moved;
    } catch (error) {
      if (error instanceof EngineError && (error.retryable || error.code === 'fenced')) throw error;
      return await this.#singly(generation, turns, upTo, error);
    }
  }

  /** @returns where it stands; the same where somebody else has moved it, which is read again */
  async #move(
    generation: GenerationRow,
    step: Omit<ProjectionStep, 'epoch' | 'name' | 'generation'>,
  ): Promise<GenerationRow> {
    const { storage, epoch } = this.#options;
    const { name, generation: number } = generation;
    if (!(await storage.project({ ...step, epoch, name, generation: number }))) {
      this.#isLoaded = false;
      return generation;
    }
    return {
      ...generation,
      cursor: step.to,
      start: generation.start ?? step.first?.start ?? null,
      since: generation.since ?? step.first?.since ?? null,
      appliedAt: step.appliedAt ?? generation.appliedAt,
      skipped: generation.skipped + step.skipped,
      error: step.error ?? generation.error,
    };
  }

  /** The store refuses what these turns come to: each position by itself, and the one that is refused is left out. */
  async #singly(
    generation: GenerationRow,
    turns: readonly LogRow[],
    upTo: number,
    error: unknown,
  ): Promise<GenerationRow> {
    const positions = [...new Set(turns.map(({ seq }) => seq))];
    let present = generation;
    if (positions.length > 1) {
      for (const position of positions) {
        const rows = turns.filter(({ seq }) => seq === position);
        const moved = await this.#apply(present, rows, position);
        if (moved === present) return present;
        present = moved;
      }
      return present;
    }
    const leftOut = turns.map((turn) => ({ turn, error: messageOf(error) }));
    const [first] = leftOut;
    const moved = await this.#move(present, {
      ...{ from: present.cursor, to: upTo, puts: [], ...timesOf(turns) },
      ...{ skipped: leftOut.length, error: first ? lineOf(first) : null },
    });
    if (moved !== present) this.#tell(0, 0, leftOut, performance.now());
    return moved;
  }

  #tell(turns: number, rows: number, leftOut: readonly LeftOut[], began: number): void {
    const { telemetry } = this.#options;
    const projection = this.definition.name;
    for (const { turn, error } of leftOut) {
      telemetry.emit('projection.left-out', { projection, turn: turnOf(turn), error });
    }
    const tookMs = performance.now() - began;
    telemetry.emit('projection.applied', { projection, turns, rows, tookMs });
  }

  /** Commits come first: they have the store for as long as this had it. */
  async #rest(tookMs: number): Promise<void> {
    await sleep(this.#options.isQuiet() ? 0 : Math.min(tookMs, MAX_REST_MS));
  }
}
