import type { Address } from '../model/envelope.ts';
import type { DeliveryRow, Position } from '../model/rows.ts';
import type { CursorTracker } from './cursor-tracker.ts';
import type { LogDelivery } from './delivery.ts';

/** Deliveries as the store has them: the way back to what memory does not hold. */
export interface DeliverySource {
  /** The position of the last commit that is known here, by writer. */
  heads(): ReadonlyMap<number, number>;
  /** Turns in a range of positions (`after` exclusive), each with what it sends to a destination. */
  read(
    destination: string,
    after: number,
    upTo: number,
  ): Promise<{ position: Position; rows: DeliveryRow[] }[]>;
  /** What is parked for a destination after a place; `next` null: that was all. */
  parked(destination: string, after: number): Promise<StoredPage & { next: number | null }>;
  /** The first parked rows of each of these twins; `more`: keys of twins that have others. */
  parkedOf(
    destination: string,
    twins: readonly Address[],
  ): Promise<StoredPage & { more: ReadonlySet<string> }>;
}

interface StoredPage {
  rows: DeliveryRow[];
  /** Ids of what need not be delivered any more. */
  over: string[];
}

/** What a commit has for one destination. */
export interface Committed {
  writer: number;
  /** Its last position. */
  seq: number;
  deliveries: readonly LogDelivery[];
}

export interface BacklogOptions {
  destination: string;
  source: DeliverySource;
  tracker: CursorTracker;
  hasRoom: () => boolean;
  /** @param position null: the row is parked */
  enqueue: (row: DeliveryRow, position: Position | null) => void;
  /** Takes the first parked rows of a twin of which nothing is in memory. */
  enqueueFirst: (row: DeliveryRow) => void;
  onOver: (ids: readonly string[]) => void;
}

/** What was committed, and what has become void, while the store is being read. */
interface Meanwhile {
  /** Null: more than memory holds. */
  arrived: Committed[] | null;
  rows: number;
  gone: { isGone: (row: DeliveryRow) => boolean; upTo: number }[];
}

/** Positions that are read at once. */
const RANGE = 1_000;
/** Rows that may arrive while the store is being read. */
const MAX_ARRIVED = 10_000;

/**
 * What the store holds for a destination and memory does not: first what is parked, then the log from where the
 * queue has come to. It reads a page at a time, so that what it has read can be delivered in between.
 */
export class Backlog {
  readonly #options: BacklogOptions;
  /** Whether the log may hold what the queue does not. */
  #isBehind: boolean;
  /** Positions of writers when it began; null: the queue has seen all that the store had for it then. */
  #beginning: ReadonlyMap<number, number> | null;
  /** Up to which place what is parked has been read; null: all of it. */
  #parkedUpTo: number | null = 0;
  /** Counts what makes {@link #parkedUpTo} begin anew. */
  #reloads = 0;
  #meanwhile: Meanwhile | null = null;

  constructor(options: BacklogOptions) {
    this.#options = options;
    const heads = options.source.heads();
    this.#beginning = new Map(heads);
    this.#isBehind = options.tracker.lowestBehind(heads) !== null;
  }

  get canRead(): boolean {
    return (this.#isBehind || this.#parkedUpTo !== null) && this.#options.hasRoom();
  }

  /** Whether all is seen that the store held when it began. */
  get isPastBeginning(): boolean {
    return this.#beginning === null;
  }

  /** Whether the store may have parked rows that nobody here knows of. */
  get mayHaveParked(): boolean {
    return this.#parkedUpTo !== null;
  }

  /** @returns whether the commit is to be enqueued now; else it is kept, or read from the log later */
  accepts(committed: Committed): boolean {
    const meanwhile = this.#meanwhile;
    if (meanwhile) {
      meanwhile.rows += committed.deliveries.length;
      if (meanwhile.rows > MAX_ARRIVED) meanwhile.arrived = null;
      meanwhile.arrived?.push(committed);
      return false;
    }
    if (this.#isBehind || this.#parkedUpTo !== null || !this.#options.hasRoom()) {
      this.#isBehind = true;
      return false;
    }
    return true;
  }

  /** Rows that match need not be delivered any more: what is being read of them, or has just arrived, is left out. */
  leaveOut(isGone: (row: DeliveryRow) => boolean): void {
    const meanwhile = this.#meanwhile;
    if (!meanwhile) return;
    // A row of a later commit may be of a twin that has been made anew under the same id
    const upTo = Math.max(0, ...this.#options.source.heads().values());
    meanwhile.gone.push({ isGone, upTo });
    meanwhile.arrived = meanwhile.arrived?.map((one) => without(one, isGone)) ?? null;
  }

  /** A row has been parked by somebody else: what is parked is read again. */
  reload(): void {
    this.#parkedUpTo = 0;
    this.#reloads++;
  }

  /**
   * Reads the next page. @returns commits that have arrived meanwhile, for {@link accepts}
   * @throws EngineError of the store; nothing is lost then
   */
  async readOn(): Promise<readonly Committed[]> {
    return await this.#reading(async (isLeft) => {
      if (this.#parkedUpTo !== null) await this.#readParked(this.#parkedUpTo, isLeft);
      else if (this.#isBehind) await this.#readLog(isLeft);
      const heads = this.#beginning;
      if (this.#parkedUpTo !== null || !heads) return;
      if (this.#options.tracker.lowestBehind(heads) === null) this.#beginning = null;
    });
  }

  /**
   * Reads the first parked rows of twins.
   * @param prepare awaited first, as part of the reading
   * @returns `more`: keys of twins that have others
   */
  async readTwins(
    twins: readonly Address[],
    prepare: () => Promise<void>,
  ): Promise<{ arrived: readonly Committed[]; more: ReadonlySet<string> }> {
    const { destination, source, enqueueFirst, onOver } = this.#options;
    let more: ReadonlySet<string> = new Set();
    const arrived = await this.#reading(async (isLeft) => {
      await prepare();
      const page = await source.parkedOf(destination, twins);
      more = page.more;
      onOver(page.over);
      for (const row of page.rows) if (isLeft(row, null)) enqueueFirst(row);
    });
    return { arrived, more };
  }

  async #reading(
    read: (isLeft: (row: DeliveryRow, position: Position | null) => boolean) => Promise<void>,
  ): Promise<readonly Committed[]> {
    const meanwhile: Meanwhile = { arrived: [], rows: 0, gone: [] };
    this.#meanwhile = meanwhile;
    const isLeft = (row: DeliveryRow, position: Position | null) =>
      !meanwhile.gone.some(({ isGone, upTo }) => isGone(row) && (position?.seq ?? 0) <= upTo);
    try {
      await read(isLeft);
    } catch (error) {
      // What has arrived is in the log
      if (meanwhile.rows > 0 || meanwhile.arrived?.length !== 0) this.#isBehind = true;
      throw error;
    } finally {
      this.#meanwhile = null;
    }
    if (meanwhile.arrived === null) this.#isBehind = true;
    return meanwhile.arrived ?? [];
  }

  async #readParked(
    after: number,
    isLeft: (row: DeliveryRow, position: null) => boolean,
  ): Promise<void> {
    const { destination, source, enqueue, onOver } = this.#options;
    const reloads = this.#reloads;
    const page = await source.parked(destination, after);
    onOver(page.over);
    for (const row of page.rows) if (isLeft(row, null)) enqueue(row, null);
    // A row that was parked behind this page's back may stand before its end
    if (this.#reloads === reloads) this.#parkedUpTo = page.next;
  }

  async #readLog(isLeft: (row: DeliveryRow, position: Position) => boolean): Promise<void> {
    const { destination, source, tracker, hasRoom, enqueue } = this.#options;
    const heads = new Map(source.heads());
    const after = tracker.lowestBehind(heads);
    if (after === null) {
      this.#isBehind = false;
      return;
    }
    const head = Math.max(0, ...heads.values());
    const upTo = Math.min(after + RANGE, head);
    const see = (position: number) => {
      for (const [writer, last] of heads) tracker.see(writer, Math.min(position, last));
    };
    for (const { position, rows } of await source.read(destination, after, upTo)) {
      if (position.seq <= tracker.seen(position.writer)) continue;
      if (!hasRoom()) {
        see(position.seq - 1);
        return;
      }
      for (const row of rows) if (isLeft(row, position)) enqueue(row, position);
      tracker.see(position.writer, position.seq);
    }
    see(upTo);
    if (upTo === head) this.#isBehind = false;
  }
}

function without(committed: Committed, isGone: (row: DeliveryRow) => boolean): Committed {
  return { ...committed, deliveries: committed.deliveries.filter(({ row }) => !isGone(row)) };
}
