import { backoffMs } from '../model/backoff.ts';
import type { Clock } from '../model/clock.ts';
import { type Address, keyOf } from '../model/envelope.ts';
import type { DeadLetterRow, DeliveryRow, Position } from '../model/rows.ts';
import { turnOfId } from '../model/turn-ids.ts';
import type { CursorTracker } from './cursor-tracker.ts';
import type { Pending } from './delivery.ts';
import { InMemory } from './in-memory.ts';
import { KeyedQueue } from './keyed-queue.ts';
import { type DeliveryStore, Settlement } from './settlement.ts';
import { Spill } from './spill.ts';

export interface WaitingDeliveriesOptions {
  storage: DeliveryStore;
  clock: Clock;
  random: () => number;
  tracker: CursorTracker;
  limits?: QueueLimits | undefined;
  /** Whether the destination takes anything at present. */
  isFlowing: () => boolean;
  /** There may be something to deliver, or to read. */
  onChange: () => void;
  /** A try has failed; it is repeated. */
  onPostponed: (attempts: number, error: string) => void;
}

/** How much of a destination is in memory. */
export interface QueueLimits {
  /** Rows that can be delivered; what comes on top is read from the log later. */
  ready: number;
  /** The most with those whose twins cannot be reached, which must not keep out the others. */
  all: number;
  /** The most of one home: more than that is parked, so that the other homes have their share. */
  ofHome: number;
  /** The most of one twin that is slow, and of one whose first row waits for another try; the others are parked. */
  ofSlowTwin: number;
  ofHeldTwin: number;
  /** Twins that wait for another try. */
  heldTwins: number;
}

const LIMITS: QueueLimits = {
  ready: 10_000,
  all: 60_000,
  ofHome: 5_000,
  ofSlowTwin: 100,
  ofHeldTwin: 8,
  heldTwins: 5_000,
};
/** What is under way for longer is parked, so that the cursor passes it. */
const SLOW_MS = 1_000;
const RETRY = { baseMs: 250, capMs: 30_000 };

/**
 * What a destination has still to be handed: in memory, in order per twin, and parked in the store. A row that cannot
 * leave soon is parked, so that the cursor passes it; of a twin that has many, only the first are in memory.
 */
export class WaitingDeliveries {
  readonly #options: WaitingDeliveriesOptions;
  readonly #limits: QueueLimits;
  readonly #memory: InMemory;
  readonly #settlement: Settlement;
  readonly #spill: Spill;
  readonly #waiting = new KeyedQueue<Pending>();
  /** What is under way, by twin. */
  readonly #underway = new Map<string, Pending>();
  /** Twins whose first row waits for another try, until the alarm. */
  readonly #held = new Map<string, Disposable>();

  constructor(options: WaitingDeliveriesOptions) {
    const { storage, clock, random, tracker, onChange, onPostponed } = options;
    this.#options = options;
    this.#limits = options.limits ?? LIMITS;
    this.#memory = new InMemory(tracker);
    this.#spill = new Spill({
      ...{ clock, onWanted: onChange },
      isIdle: (key) => !this.#underway.has(key) && this.#waiting.of(key).length === 0,
    });
    this.#settlement = new Settlement({
      ...{ storage, clock, random, onIdle: onChange },
      onRetry: (attempts, error) => onPostponed(attempts, `cannot be stored: ${error}`),
      onParked: (pending) => this.#parked(pending),
      onBuried: (pending) => this.end(pending),
    });
  }

  get size(): number {
    return this.#memory.size;
  }

  /** Those in memory that are not parked, and when the oldest of them was asked for. */
  unparked(): { depth: number; oldestAt: number | null } {
    return this.#memory.unparked();
  }

  get hasRoom(): boolean {
    return this.#waiting.unheld < this.#limits.ready && this.#memory.size < this.#limits.all;
  }

  get hasReady(): boolean {
    return this.#waiting.hasReady;
  }

  /** Whether there are twins whose parked rows are to be read. */
  get hasSpilled(): boolean {
    return this.#spill.hasWanted;
  }

  /** Whether it is in memory, or may be parked without being there. */
  mayKnow(id: string): boolean {
    return this.#memory.has(id) || this.#isSpilled(id);
  }

  mayHaveParked(id: string): boolean {
    return (this.#memory.get(id)?.isParked ?? false) || this.#isSpilled(id);
  }

  #isSpilled(id: string): boolean {
    if (this.#spill.isEmpty) return false;
    const turn = turnOfId(id);
    return turn !== null && this.#spill.has(keyOf(turn));
  }

  get isIdle(): boolean {
    return this.#settlement.isIdle;
  }

  async idle(): Promise<void> {
    await this.#settlement.idle();
  }

  async close(): Promise<void> {
    this.#spill[Symbol.dispose]();
    for (const alarm of this.#held.values()) alarm[Symbol.dispose]();
    await this.#settlement.close();
  }

  // ── what comes ─────────────────────────────────────────────────────────────────────────────

  /** @param position null: it is parked */
  add(row: DeliveryRow, position: Position | null): void {
    if (this.#memory.has(row.id)) return;
    const key = keyOf(row);
    const spills = this.#spill.has(key) || this.#isFullFor(key, row.home);
    // So that what is parked now comes after what is in memory
    if (spills && position) this.#parkLine(key);
    if (spills) this.#spill.add(key);
    if (!spills || position !== null) this.#admit(row, position, spills);
  }

  /** A parked row of a twin of which nothing was in memory. */
  addFirst(row: DeliveryRow): void {
    if (!this.#memory.has(row.id)) this.#admit(row, null, false);
  }

  #admit(row: DeliveryRow, position: Position | null, isLeaving: boolean): void {
    const key = keyOf(row);
    const pending = this.#memory.add(row, position, isLeaving);
    if (!isLeaving) this.#waiting.push(key, pending);
    if (position && (isLeaving || this.#waiting.isHeld(key))) this.#settlement.park([pending]);
  }

  /** Whether a row is parked only. While nothing leaves at all, what comes waits in the log instead. */
  #isFullFor(key: string, home: string): boolean {
    if (!this.#options.isFlowing()) return false;
    const waiting = this.#waiting.of(key).length;
    if (waiting >= this.#limits.ofHeldTwin && this.#waiting.isHeld(key)) return true;
    if (waiting >= this.#limits.ofSlowTwin && this.#isSlow(key)) return true;
    return this.#memory.ofHome(home) >= this.#limits.ofHome;
  }

  #isSlow(key: string): boolean {
    const since = this.#underway.get(key)?.since ?? null;
    return since !== null && since <= this.#options.clock.now() - SLOW_MS;
  }

  /** Twins whose parked rows are to be read, and what has to be stored before. */
  nextSpilled(): { keys: readonly string[]; twins: Address[]; stored: () => Promise<void> } {
    const keys = this.#spill.next();
    const twins = keys.map((key) => {
      const [home = '', twin = ''] = key.split('/');
      return { home, twin };
    });
    return { keys, twins, stored: () => this.#settlement.stored() };
  }

  /** @param more those of the twins of which the store has more */
  hasRead(keys: readonly string[], more: ReadonlySet<string>): void {
    this.#spill.hasRead(keys, more);
  }

  // ── what leaves ────────────────────────────────────────────────────────────────────────────

  /** The first rows of up to `most` twins; each is under way until {@link done}. */
  take(most: number): Pending[] {
    const batch = this.#waiting.take(most);
    const now = this.#options.clock.now();
    for (const pending of batch) {
      pending.since = now;
      pending.isWoken = false;
      this.#underway.set(keyOf(pending.row), pending);
    }
    return batch;
  }

  /** Rows of the same twin that wait behind this one, as far as they are in memory. */
  behind(row: DeliveryRow): DeliveryRow[] {
    return this.#waiting.of(keyOf(row)).map((pending) => pending.row);
  }

  /** It has come to its end: the cursor passes, and what is parked of it goes. */
  end(pending: Pending): void {
    const { row, isParked } = pending;
    if (!this.#memory.delete(pending)) return;
    pending.isWithdrawn = true;
    this.#memory.release(pending);
    if (isParked) this.#settlement.end([row.id]);
  }

  /** These need no delivery any more, and are in the store only. */
  endParked(ids: readonly string[]): void {
    this.#settlement.end(ids);
  }

  /** It is dead: it ends when its letter is stored. */
  bury(pending: Pending, letter: DeadLetterRow): void {
    pending.isBuried = true;
    this.#settlement.bury(pending, letter);
  }

  /**
   * A twin that cannot be reached: it waits with its own rows behind, and nobody else does.
   * @param afterMs how long its destination wants to be left alone, at least
   */
  hold(pending: Pending, error: string, afterMs: number): void {
    const { clock, random, onPostponed } = this.#options;
    const { row, since } = pending;
    const key = keyOf(row);
    // Tried early, as somebody hoped that it could be delivered: that is no attempt of its own
    const isEarly = row.attempts > 0 && row.notBefore > (since ?? 0);
    const attempts = row.attempts + 1;
    const wait = isEarly
      ? Math.max(0, row.notBefore - clock.now())
      : Math.max(afterMs, backoffMs(attempts, RETRY, random()));
    if (!isEarly) {
      onPostponed(attempts, error);
      pending.row = { ...row, attempts, notBefore: clock.now() + wait };
    }
    if (!isEarly || !pending.isParked) this.#settlement.park([pending]);
    // Those that cannot be reached leave room for the others of their home
    const isOutOfPlaces =
      this.#held.size >= this.#limits.heldTwins ||
      this.#memory.ofHome(row.home) > this.#limits.ofHome / 2;
    if (!isOutOfPlaces) {
      this.#waiting.hold(key);
      this.#held.set(
        key,
        clock.delay(wait, () => this.#letGo(key)),
      );
    } else pending.isLeaving = true;
    this.#shorten(key, isOutOfPlaces ? 0 : this.#limits.ofHeldTwin);
    if (!pending.isLeaving) return;
    this.#spill.add(key);
    // It stands in the store as it is
    if (isEarly && pending.isParked) this.#memory.delete(pending);
  }

  /** Parks a twin's rows, and leaves the first so many in memory. */
  #shorten(key: string, most: number): void {
    for (const pending of this.#waiting.of(key).slice(most)) pending.isLeaving = true;
    this.#parkLine(key);
    const leaving = this.#waiting.remove(key, ({ isLeaving }) => isLeaving);
    if (leaving.length > 0) this.#spill.add(key);
    for (const pending of leaving) if (pending.isParked) this.#memory.delete(pending);
  }

  /** A call of the destination has ended: what it has not brought to an end is the first of its twin again. */
  done(pending: Pending): void {
    const key = keyOf(pending.row);
    pending.since = null;
    this.#underway.delete(key);
    const isOpen = this.#memory.has(pending.row.id) && !pending.isBuried;
    if (isOpen && pending.isWithdrawn) this.end(pending);
    else if (isOpen && !pending.isLeaving) this.#waiting.putBack(key, pending);
    this.#waiting.done(key);
    // One that could not be delivered has its next try when the store is swept, or when it is woken
    if (!pending.isLeaving && (!isOpen || pending.isWithdrawn)) this.#spill.want(key);
  }

  #letGo(key: string): void {
    this.#held.get(key)?.[Symbol.dispose]();
    this.#held.delete(key);
    this.#waiting.release(key);
    this.#spill.want(key);
    this.#options.onChange();
  }

  /** Something may have changed for these twins, or (null) for all. */
  wake(twins: readonly Address[] | null): void {
    const keys = twins?.map(keyOf) ?? [...this.#held.keys(), ...this.#underway.keys()];
    for (const key of keys) {
      const underway = this.#underway.get(key);
      if (underway) underway.isWoken = true;
      else if (this.#held.has(key)) this.#letGo(key);
      else this.#spill.want(key);
    }
    if (twins === null) this.#spill.wantAll();
  }

  // ── what is parked, and what has gone ──────────────────────────────────────────────────────

  /** Parks what holds the cursor back: what has been under way for long, and what waits for the same twin. */
  parkSlow(): void {
    for (const key of this.#underway.keys()) if (this.#isSlow(key)) this.#parkLine(key);
  }

  #parkLine(key: string): void {
    const underway = this.#underway.get(key);
    const line = [...(underway ? [underway] : []), ...this.#waiting.of(key)];
    this.#settlement.park(line.filter(({ position, isParked }) => position && !isParked));
  }

  #parked(pending: Pending): void {
    this.#memory.release(pending);
    if (pending.isLeaving) this.#memory.delete(pending);
  }

  /** A later turn has made these pointless. */
  withdraw(ids: readonly string[]): void {
    for (const id of ids) {
      const pending = this.#memory.get(id);
      if (pending) this.#withdraw(pending);
    }
  }

  /** Their twins have gone. */
  forget(isGone: (row: DeliveryRow) => boolean, gone: { home: string; twin?: string }): void {
    for (const pending of this.#settlement.forget(isGone)) this.end(pending);
    for (const pending of this.#memory.all()) if (isGone(pending.row)) this.#withdraw(pending);
    const { home, twin } = gone;
    if (twin === undefined) this.#spill.deleteHome(home);
    else this.#spill.delete(keyOf({ home, twin }));
  }

  #withdraw(pending: Pending): void {
    // One that is being delivered right now stays known until that has ended
    pending.isWithdrawn = true;
    if (pending.since !== null) return;
    const key = keyOf(pending.row);
    this.#waiting.remove(key, (other) => other === pending);
    this.end(pending);
    if (this.#waiting.of(key).length === 0) this.#letGo(key);
  }

  /** Has what waits of these twins go through the store, which leaves out what belongs to nobody. */
  recheck({ home, twin }: { home: string; twin?: string }): void {
    const isTheirs = (key: string) =>
      twin === undefined ? key.startsWith(`${home}/`) : key === keyOf({ home, twin });
    for (const key of [...this.#waiting.keys()].filter(isTheirs)) {
      this.#shorten(key, 0);
      this.#letGo(key);
    }
  }
}
