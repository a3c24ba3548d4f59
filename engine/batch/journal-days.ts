import type { JournalRow } from '../model/rows.ts';
import { sizeOf } from '../turn/state-size.ts';

export const DAY_MS = 24 * 60 * 60_000;

/** What a row takes beside its event and its effects: ids, times, indexes; about. */
const ROW_BYTES = 250;
/** Twins of which it is remembered that their dead letter of the day is there. Names of twins are anybody's to make up. */
const MAX_TOLD = 20_000;

/** What one batch adds to the journals of homes that are counted. */
export interface Written {
  /** When, epoch ms. */
  now: number;
  /** Keyed by home. */
  bytes: ReadonlyMap<string, number>;
  /** Twins (`home/twin`) of which a dead letter tells that their home has written its share. */
  told: readonly string[];
}

/** How large a row of the journal is, about: enough to tell a flood from a home. */
export function bytesOf({ event, effects }: JournalRow): number {
  return ROW_BYTES + sizeOf(event) + sizeOf(effects);
}

/**
 * How much homes have added to their journals since midnight (UTC). In memory: a start of the program counts anew,
 * which tenants cannot bring about.
 */
export class JournalDays {
  #day = 0;
  #bytes = new Map<string, number>();
  #told = new Set<string>();

  /** Only what has been committed may come in here. */
  keep({ now, bytes, told }: Written): void {
    this.#turnTo(now);
    for (const [home, more] of bytes) this.#bytes.set(home, (this.#bytes.get(home) ?? 0) + more);
    for (const twin of told) if (this.#told.size < MAX_TOLD) this.#told.add(twin);
  }

  usedBy(home: string, now: number): number {
    return this.#isToday(now) ? (this.#bytes.get(home) ?? 0) : 0;
  }

  /** Whether no dead letter is wanted for a message of the twin: one of today tells that they are refused, or very many tell it of others. */
  isTold(twin: string, now: number): boolean {
    return this.#isToday(now) && (this.#told.size >= MAX_TOLD || this.#told.has(twin));
  }

  #isToday(now: number): boolean {
    return Math.floor(now / DAY_MS) === this.#day;
  }

  #turnTo(now: number): void {
    if (this.#isToday(now)) return;
    this.#day = Math.floor(now / DAY_MS);
    this.#bytes.clear();
    this.#told.clear();
  }
}
