import { EngineError } from '../../model/errors.ts';
import type { LogRow, ProjectedRow } from '../../model/rows.ts';
import type { ProjectedQuery, Storage } from '../../storage/port.ts';
import { Feed } from './feed.ts';
import { assertProjections, type Projection } from './projection.ts';
import { Projector, type ProjectorOptions } from './projector.ts';
import { type ProjectionStatus, statusesOf } from './status.ts';

export interface ProjectionsOptions extends Omit<ProjectorOptions, 'storage' | 'feed'> {
  storage: ProjectorOptions['storage'] & Pick<Storage, 'retireProjections' | 'listProjected'>;
}

/** What others ask of projections. */
export interface ProjectionService {
  /** All generations whose rows are there, by name and generation. */
  listProjections(): Promise<ProjectionStatus[]>;
  /**
   * Has a projection built anew, from what the journal holds, beside the generation that answers.
   * @throws EngineError `not-found`; `conflict` while it is being built
   */
  rebuildProjection(name: string): Promise<ProjectionStatus>;
  /** See `Storage.listProjected`. */
  listProjected(query: ProjectedQuery, limit: number): Promise<ProjectedRow[]>;
}

/** How often the store is asked whether somebody wants a projection to be rebuilt. */
const LOOK_MS = 5_000;

/** All projections of an engine: each goes its own way, from one memory of the last turns. */
export class Projections implements AsyncDisposable {
  readonly #options: ProjectionsOptions;
  readonly #projectors: readonly Projector[];
  readonly #feed: Feed;
  #look: Disposable | null = null;
  #looking: Promise<void> = Promise.resolve();
  #isRetired = false;
  #closed = false;

  /** @throws EngineError `bad-input` for definitions that are none */
  constructor(definitions: readonly Projection[], options: ProjectionsOptions) {
    assertProjections(definitions);
    this.#options = options;
    this.#feed = new Feed(options.horizon.last);
    const shared = { ...options, feed: this.#feed };
    this.#projectors = definitions.map((definition) => new Projector(definition, shared));
  }

  /** Goes on where each one stands. */
  start(): void {
    if (this.#projectors.length === 0) return;
    for (const projector of this.#projectors) projector.kick();
    this.#looking = this.#lookForRequests();
  }

  /** Turns have been committed. */
  add(turns: readonly LogRow[]): void {
    if (this.#projectors.length === 0) return;
    this.#feed.add(turns);
    for (const projector of this.#projectors) projector.note();
    this.#feed.trim(Math.min(this.lowestCursor(), this.#options.horizon.settled));
  }

  /** A twin was deleted, or a home with its twins: before anything else happens there. */
  forget(deleted: { home: string; twin?: string }): void {
    this.#feed.forget(deleted);
    for (const projector of this.#projectors) projector.forget(deleted);
  }

  /** Whether a twin or a home was deleted is not known: the store knows which turns there are. */
  distrust(): void {
    this.#feed.trim(this.#options.horizon.last);
    for (const projector of this.#projectors) projector.distrust();
  }

  /** The position up to which every projection has every turn. */
  lowestCursor(): number {
    return Math.min(Number.MAX_SAFE_INTEGER, ...this.#projectors.map(({ cursor }) => cursor));
  }

  /** The same as it is stored: also before they have been read, and while one cannot be. */
  async readUpTo(): Promise<number> {
    const versions = new Map(
      this.#projectors.map(({ definition }) => [definition.name, definition.version]),
    );
    const { generations } = await this.#options.storage.listGenerations();
    const reading = generations.filter(
      ({ name, version, status }) =>
        versions.get(name) === version && (status === 'active' || status === 'building'),
    );
    return Math.min(Number.MAX_SAFE_INTEGER, ...reading.map(({ cursor }) => cursor));
  }

  lag(): Record<string, { positions: number; seconds: number }> {
    return Object.fromEntries(
      this.#projectors.map((projector) => [projector.definition.name, projector.lag()]),
    );
  }

  readonly service: ProjectionService = {
    listProjections: () => this.#list(),
    rebuildProjection: (name) => this.#rebuild(name),
    listProjected: (query, limit) => this.#options.storage.listProjected(query, limit),
  };

  async #list(): Promise<ProjectionStatus[]> {
    const { storage, clock } = this.#options;
    return statusesOf(await storage.listGenerations(), clock.now());
  }

  async #rebuild(name: string): Promise<ProjectionStatus> {
    const projector = this.#projectors.find(({ definition }) => definition.name === name);
    if (!projector)
      throw unknownProjection(
        name,
        this.#projectors.map((one) => one.definition.name),
      );
    const { storage, clock } = this.#options;
    const { version } = projector.definition;
    if ((await storage.beginGeneration(name, version, clock.now())) === null) {
      throw alreadyBuilding(name);
    }
    projector.reload();
    const statuses = await this.#list();
    return statuses.findLast((one) => one.name === name) as ProjectionStatus;
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    await this.#looking;
    await Promise.all(this.#projectors.map((projector) => projector.idle()));
  }

  get isIdle(): boolean {
    return this.#projectors.every(({ isIdle }) => isIdle);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#look?.[Symbol.dispose]();
    await this.#looking;
    await Promise.all(this.#projectors.map((projector) => projector[Symbol.asyncDispose]()));
  }

  async #lookForRequests(): Promise<void> {
    const { storage, clock, telemetry } = this.#options;
    try {
      if (!this.#isRetired) {
        await storage.retireProjections(this.#projectors.map(({ definition }) => definition.name));
        this.#isRetired = true;
      }
      const { generations } = await storage.listGenerations();
      for (const projector of this.#projectors) {
        if (projector.lacks(generations)) projector.reload();
      }
    } catch (error) {
      telemetry.emit('background.failed', { task: 'looking for rebuilds', error });
    }
    if (this.#closed) return;
    this.#look = clock.delay(LOOK_MS, () => {
      this.#looking = this.#lookForRequests();
    });
  }
}

export function unknownProjection(name: string, known: readonly string[]): EngineError {
  return new EngineError('not-found', `there is no projection "${name}"`, {
    hint: known.length === 0 ? 'There are none.' : `There are: ${known.join(', ')}.`,
  });
}

export function alreadyBuilding(name: string): EngineError {
  return new EngineError('conflict', `projection ${name} is being built already`, {
    hint: 'Wait until it is built; the list of projections shows how far it is.',
  });
}
