import type { DeliveryRow, Position } from '../model/rows.ts';
import type { CursorTracker } from './cursor-tracker.ts';
import type { Pending } from './delivery.ts';

/** Every delivery of a queue that is in memory, by id and counted per home; where in the log each holds the cursor back. */
export class InMemory {
  readonly #tracker: CursorTracker;
  readonly #byId = new Map<string, Pending>();
  readonly #ofHome = new Map<string, number>();

  constructor(tracker: CursorTracker) {
    this.#tracker = tracker;
  }

  get size(): number {
    return this.#byId.size;
  }

  has(id: string): boolean {
    return this.#byId.has(id);
  }

  get(id: string): Pending | undefined {
    return this.#byId.get(id);
  }

  all(): IterableIterator<Pending> {
    return this.#byId.values();
  }

  ofHome(home: string): number {
    return this.#ofHome.get(home) ?? 0;
  }

  /** @param position null: it is parked */
  add(row: DeliveryRow, position: Position | null, isLeaving: boolean): Pending {
    const pending: Pending = {
      ...{ row, position, isParked: position === null, isLeaving },
      ...{ isWithdrawn: false, isWoken: false, isBuried: false, since: null },
    };
    this.#byId.set(row.id, pending);
    this.#ofHome.set(row.home, this.ofHome(row.home) + 1);
    if (position) this.#tracker.begin(position);
    return pending;
  }

  /** @returns false: it had left */
  delete({ row: { id, home } }: Pending): boolean {
    if (!this.#byId.delete(id)) return false;
    const left = this.ofHome(home) - 1;
    if (left > 0) this.#ofHome.set(home, left);
    else this.#ofHome.delete(home);
    return true;
  }

  /** The cursor passes it. */
  release(pending: Pending): void {
    if (pending.position) this.#tracker.end(pending.position);
    pending.position = null;
  }

  /** Those that are not parked, and when the oldest of them was asked for. */
  unparked(): { depth: number; oldestAt: number | null } {
    let depth = 0;
    let oldestAt: number | null = null;
    for (const { row, isParked } of this.#byId.values()) {
      if (isParked) continue;
      depth++;
      oldestAt = Math.min(oldestAt ?? row.createdAt, row.createdAt);
    }
    return { depth, oldestAt };
  }
}
