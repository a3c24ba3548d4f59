import { backoffMs } from '../model/backoff.ts';
import type { Clock } from '../model/clock.ts';
import { EngineError, messageOf } from '../model/errors.ts';
import type { DeadLetterRow, DeliveryRow } from '../model/rows.ts';
import type { Pending } from './delivery.ts';

/** The deliveries of this engine in the store. Once another engine has taken over, it throws `fenced`. */
export interface DeliveryStore {
  park(rows: readonly DeliveryRow[]): Promise<void>;
  endDeliveries(ids: readonly string[], letters: readonly DeadLetterRow[]): Promise<void>;
}

export interface SettlementOptions {
  storage: DeliveryStore;
  clock: Clock;
  random: () => number;
  /** A try to store has failed; it is repeated. */
  onRetry: (attempt: number, error: string) => void;
  onParked: (pending: Pending) => void;
  /** The letter of a dead delivery is stored. */
  onBuried: (pending: Pending) => void;
  /** Everything is stored that there was to store. */
  onIdle: () => void;
}

const RETRY = { baseMs: 250, capMs: 30_000 };

/**
 * Stores what becomes of deliveries, in the background and in order: rows to park, ends of those that are parked,
 * letters of dead ones. All that gathers while the former is stored goes together. It tries until the store takes
 * it: a row that came later and is parked first would be delivered first after a crash. A crash in between
 * delivers again under the same id.
 */
export class Settlement {
  readonly #options: SettlementOptions;
  #parking = new Set<Pending>();
  #ended: string[] = [];
  #letters: { pending: Pending; letter: DeadLetterRow }[] = [];
  #storing: Promise<void> = Promise.resolve();
  #isStoring = false;
  #isClosed = false;
  /** Ends the wait between two tries. */
  #hurry: (() => void) | null = null;
  #idleWanted: (() => void)[] = [];

  constructor(options: SettlementOptions) {
    this.#options = options;
  }

  /** Nothing is being stored; what the store did not take waits for another try. */
  get isIdle(): boolean {
    return !this.#isStoring || this.#hurry !== null;
  }

  async idle(): Promise<void> {
    while (!this.isIdle) {
      const waits = new Promise<void>((resolve) => this.#idleWanted.push(resolve));
      await Promise.race([this.#storing, waits]);
    }
  }

  /** Resolves when everything is stored, or it was closed. */
  async stored(): Promise<void> {
    await this.#storing;
  }

  park(pendings: readonly Pending[]): void {
    for (const pending of pendings) this.#parking.add(pending);
    this.#store();
  }

  end(ids: readonly string[]): void {
    this.#ended.push(...ids);
    this.#store();
  }

  bury(pending: Pending, letter: DeadLetterRow): void {
    this.#letters.push({ pending, letter });
    this.#store();
  }

  /** Stores no letters of these: their twins have gone. @returns those whose letter was still to be stored */
  forget(isGone: (row: DeliveryRow) => boolean): Pending[] {
    const gone = this.#letters.filter(({ pending }) => isGone(pending.row));
    this.#letters = this.#letters.filter(({ pending }) => !isGone(pending.row));
    return gone.map(({ pending }) => pending);
  }

  /** Stores what it can now, and gives up what the store does not take. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#hurry?.();
    await this.#storing;
  }

  #store(): void {
    const count = this.#parking.size + this.#ended.length + this.#letters.length;
    if (this.#isStoring || count === 0) return;
    this.#isStoring = true;
    this.#storing = this.#storeAll();
  }

  async #storeAll(): Promise<void> {
    for (;;) {
      const parking = [...this.#parking].filter(({ isWithdrawn }) => !isWithdrawn);
      this.#parking.clear();
      if (parking.length > 0) await this.#storeParked(parking);
      const ended = this.#ended;
      const letters = this.#letters;
      this.#ended = [];
      this.#letters = [];
      if (ended.length + letters.length > 0) await this.#storeEnds(ended, letters);
      if (this.#parking.size + this.#ended.length + this.#letters.length === 0) break;
    }
    this.#isStoring = false;
    this.#options.onIdle();
  }

  async #storeParked(parking: readonly Pending[]): Promise<void> {
    const { storage, onParked } = this.#options;
    const rows = parking.map(({ row }) => row);
    if (!(await this.#untilStored(() => storage.park(rows)))) return;
    for (const pending of parking) {
      pending.isParked = true;
      // It has come to its end meanwhile
      if (pending.isWithdrawn) this.#ended.push(pending.row.id);
      onParked(pending);
    }
  }

  async #storeEnds(
    ended: readonly string[],
    letters: readonly { pending: Pending; letter: DeadLetterRow }[],
  ): Promise<void> {
    const { storage, onBuried } = this.#options;
    const dead = letters.map(({ pending }) => pending.row.id);
    const rows = letters.map(({ letter }) => letter);
    if (!(await this.#untilStored(() => storage.endDeliveries([...ended, ...dead], rows)))) return;
    for (const { pending } of letters) {
      pending.isParked = false;
      onBuried(pending);
    }
  }

  /** @returns false: it was closed, or another engine has taken over, before the store took it */
  async #untilStored(write: () => Promise<void>): Promise<boolean> {
    const { clock, random, onRetry } = this.#options;
    for (let attempt = 1; ; attempt++) {
      try {
        await write();
        return true;
      } catch (error) {
        // It is another engine's now, and this one ends
        if (error instanceof EngineError && error.code === 'fenced') this.#isClosed = true;
        if (this.#isClosed) return false;
        onRetry(attempt, messageOf(error));
        await new Promise<void>((resolve) => {
          const alarm = clock.delay(backoffMs(attempt, RETRY, random()), resolve);
          this.#hurry = () => {
            alarm[Symbol.dispose]();
            resolve();
          };
          for (const idle of this.#idleWanted.splice(0)) idle();
        });
        this.#hurry = null;
      }
    }
  }
}
