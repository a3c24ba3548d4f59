import type { Clock } from '../model/clock.ts';

/** Twins that are read at once. */
const AT_ONCE = 50;
/** Twins that are wanted with each sweep, and the time between two. */
const OF_A_SWEEP = 500;
const SWEEP_MS = 30_000;

export interface SpillOptions {
  clock: Clock;
  /** Whether nothing of the twin is in memory. */
  isIdle: (twin: string) => boolean;
  /** There are twins to read. */
  onWanted: () => void;
}

/**
 * Twins of which the store has parked rows that are not in memory, and which of them are to be read next. Those that
 * nothing else brings back are wanted now and then. Twins are named by their key, `home/twin`.
 */
export class Spill implements Disposable {
  readonly #options: SpillOptions;
  readonly #twins = new Set<string>();
  readonly #wanted = new Set<string>();
  #alarm: Disposable | null = null;
  #isClosed = false;

  constructor(options: SpillOptions) {
    this.#options = options;
  }

  [Symbol.dispose](): void {
    this.#isClosed = true;
    this.#alarm?.[Symbol.dispose]();
  }

  get isEmpty(): boolean {
    return this.#twins.size === 0;
  }

  get hasWanted(): boolean {
    return this.#wanted.size > 0;
  }

  has(twin: string): boolean {
    return this.#twins.has(twin);
  }

  /** Parks all rows of the twin from now on, until what is parked of it has been read. */
  add(twin: string): void {
    this.#twins.add(twin);
    if (!this.#isClosed) this.#alarm ??= this.#options.clock.delay(SWEEP_MS, () => this.#sweep());
  }

  /** Nothing of it is in the store alone any more. */
  delete(twin: string): void {
    this.#twins.delete(twin);
    this.#wanted.delete(twin);
  }

  deleteHome(home: string): void {
    for (const twin of this.#twins) if (twin.startsWith(`${home}/`)) this.delete(twin);
  }

  /** The rows of the twin are read as soon as there is room, where nothing of it is in memory. */
  want(twin: string): void {
    if (this.#twins.has(twin) && this.#options.isIdle(twin)) this.#wanted.add(twin);
  }

  wantAll(): void {
    for (const twin of this.#twins) this.want(twin);
  }

  /** Twins to read; they stay wanted until {@link hasRead}. */
  next(): string[] {
    return [...this.#wanted].slice(0, AT_ONCE);
  }

  /** @param more those of the twins of which the store has more */
  hasRead(twins: readonly string[], more: ReadonlySet<string>): void {
    for (const twin of twins) {
      this.#wanted.delete(twin);
      // Of one whose rows had all come to their end, the next ones
      if (more.has(twin)) this.want(twin);
      else this.#twins.delete(twin);
    }
  }

  #sweep(): void {
    this.#alarm = null;
    let taken = 0;
    for (const twin of [...this.#twins]) {
      if (taken === OF_A_SWEEP) break;
      if (!this.#options.isIdle(twin)) continue;
      // Behind the others, for the next sweep
      this.#twins.delete(twin);
      this.add(twin);
      this.#wanted.add(twin);
      taken++;
    }
    if (!this.isEmpty && !this.#isClosed) {
      this.#alarm ??= this.#options.clock.delay(SWEEP_MS, () => this.#sweep());
    }
    this.#options.onWanted();
  }
}
