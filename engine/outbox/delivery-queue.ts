import { backoffMs } from '../model/backoff.ts';
import { type Address, keyOf } from '../model/envelope.ts';
import { messageOf } from '../model/errors.ts';
import type { DeliveryRow, Position } from '../model/rows.ts';
import { turnOfId } from '../model/turn-ids.ts';
import { Backlog, type Committed } from './backlog.ts';
import { CursorTracker } from './cursor-tracker.ts';
import { MOST_OF_HELD_TWIN, MOST_OF_TWIN, type Pending } from './delivery.ts';
import { deadLetterOf, isLastTry, outcomesOf } from './delivery-outcome.ts';
import type { DeliveryQueueOptions } from './delivery-queue-options.ts';
import { InMemory } from './in-memory.ts';
import { KeyedQueue } from './keyed-queue.ts';
import { Settlement } from './settlement.ts';
import type { DeliveryOutcome, Sink } from './sink.ts';
import { Spill } from './spill.ts';

/** Rows in memory that can be delivered; what comes on top is read from the log later. */
const MOST_READY = 10_000;
/** With those whose twins cannot be reached, which must not keep out the others. */
const MOST_IN_MEMORY = 60_000;
/** Of one home: what comes on top is parked, so that the others have their share. */
const MOST_OF_HOME = 5_000;
/** Twins that wait in memory for another try. */
const MOST_HELD_TWINS = 5_000;
/** What is under way for longer is parked, so that the cursor passes it. */
const SLOW_MS = 1_000;
/** Calls of `deliver` that run at once, as a twin that takes its time must not hold up the queue, and rows of one. */
const PACE = { atOnce: 4, rows: 500 };
const RETRY = { baseMs: 250, capMs: 30_000 };

/**
 * The way to one destination: in order per twin, with retries of its own. A row that cannot leave soon is parked in
 * the store, so that the cursor passes it and memory stays bounded: of a twin that has many, only the first are here.
 */
export class DeliveryQueue {
  readonly #name: string;
  readonly #options: DeliveryQueueOptions;
  readonly #tracker: CursorTracker;
  readonly #backlog: Backlog;
  readonly #settlement: Settlement;
  readonly #waiting = new KeyedQueue<Pending>();
  readonly #memory: InMemory;
  /** What is under way, by twin. */
  readonly #underway = new Map<string, Pending>();
  readonly #calls = new Set<Promise<void>>();
  /** Twins whose first row waits for another try, until the alarm. */
  readonly #held = new Map<string, Disposable>();
  readonly #spill: Spill;
  #sink: Sink | null = null;
  #failures = 0;
  #paused: Disposable | null = null;
  #isRunning = false;
  #isClosed = false;
  #nudge: (() => void) | null = null;
  #idleWanted: (() => void)[] = [];

  /** @param cursors of each writer, up to where everything is delivered or parked */
  constructor(name: string, cursors: ReadonlyMap<number, number>, options: DeliveryQueueOptions) {
    const { storage, source, clock, random } = options;
    this.#name = name;
    this.#options = options;
    this.#tracker = new CursorTracker(cursors);
    this.#memory = new InMemory(this.#tracker);
    this.#spill = new Spill({
      clock,
      isIdle: (key) => this.#isIdle(key),
      onWanted: () => this.kick(),
    });
    this.#settlement = new Settlement({
      ...{ storage, clock, random },
      onRetry: (attempts, error) => this.#postponed(attempts, `cannot be stored: ${error}`),
      onParked: (pending) => this.#parked(pending),
      onBuried: (pending) => this.#end(pending),
      onIdle: () => this.kick(),
    });
    this.#backlog = new Backlog({
      ...{ destination: name, source, tracker: this.#tracker },
      hasRoom: () => this.#hasRoom,
      enqueue: (row, position) => this.#enqueue(row, position),
      enqueueFirst: (row) => this.#admit(row, null, false),
      onOver: (ids) => this.#settlement.end(ids),
    });
  }

  /** Rows in memory. */
  get depth(): number {
    return this.#memory.size;
  }

  /** Those in memory that are not parked, and when the oldest of them was asked for. */
  unparked(): { depth: number; oldestAt: number | null } {
    return this.#memory.unparked();
  }

  cursor(writer: number): number {
    return this.#tracker.cursor(writer);
  }

  /** Whether a delivery from before it began has come to its end. False: not yet, or not known. */
  isThrough(id: string): boolean {
    return this.#backlog.isPastBeginning && !this.#memory.has(id) && !this.#isSpilled(id);
  }

  mayHaveParked(id: string): boolean {
    const known = this.#memory.get(id);
    return this.#backlog.mayHaveParked || (known?.isParked ?? false) || this.#isSpilled(id);
  }

  #isSpilled(id: string): boolean {
    if (this.#spill.isEmpty) return false;
    const turn = turnOfId(id);
    return turn !== null && this.#spill.has(keyOf(turn));
  }

  /** Takes what a commit has for it, or takes note that it has nothing. */
  add(committed: Committed): void {
    if (!this.#backlog.accepts(committed)) return;
    const { writer, seq, deliveries } = committed;
    for (const { row, position } of deliveries) {
      if (position.seq > this.#tracker.seen(writer)) this.#enqueue(row, position);
    }
    this.#tracker.see(writer, seq);
  }

  get #hasRoom(): boolean {
    return this.#waiting.unheld < MOST_READY && this.#memory.size < MOST_IN_MEMORY;
  }

  /** A later turn has made these pointless. */
  withdraw(ids: readonly string[]): void {
    if (ids.length === 0) return;
    this.#backlog.leaveOut(({ id }) => ids.includes(id));
    for (const id of ids) {
      const pending = this.#memory.get(id);
      if (pending) this.#withdraw(pending);
    }
  }

  /** Their twins have gone. */
  forget(deleted: { home: string; twin?: string }): void {
    const isGone = (row: DeliveryRow) =>
      row.home === deleted.home && (deleted.twin ?? row.twin) === row.twin;
    this.#backlog.leaveOut(isGone);
    for (const pending of this.#settlement.forget(isGone)) this.#end(pending);
    for (const pending of this.#memory.all()) if (isGone(pending.row)) this.#withdraw(pending);
    const { home, twin } = deleted;
    if (twin === undefined) this.#spill.deleteHome(home);
    else this.#spill.delete(keyOf({ home, twin }));
  }

  /** Has what waits of these twins go through the store, which leaves out what belongs to nobody. */
  recheck({ home, twin }: { home: string; twin?: string }): void {
    const isTheirs = (key: string) =>
      twin === undefined ? key.startsWith(`${home}/`) : key === keyOf({ home, twin });
    for (const key of [...this.#waiting.keys()].filter(isTheirs)) {
      this.#parkLine(key);
      for (const pending of this.#waiting.remove(key)) {
        pending.isLeaving = true;
        if (pending.isParked) this.#memory.delete(pending);
      }
      this.#spill.add(key);
      this.#letGo(key);
    }
  }

  #withdraw(pending: Pending): void {
    // One that is being delivered right now stays known until that has ended
    pending.isWithdrawn = true;
    if (pending.since !== null) return;
    const key = keyOf(pending.row);
    this.#waiting.remove(key, (other) => other === pending);
    this.#end(pending);
    if (this.#waiting.of(key).length === 0) this.#letGo(key);
  }

  /** It has come to its end: the cursor passes, and what is parked of it goes. */
  #end(pending: Pending): void {
    const { row, isParked } = pending;
    if (!this.#memory.delete(pending)) return;
    pending.isWithdrawn = true;
    this.#memory.release(pending);
    if (isParked) this.#settlement.end([row.id]);
  }

  attach(sink: Sink): void {
    this.#sink = sink;
    this.kick();
  }

  detach(): void {
    this.#sink = null;
  }

  /** Reads what is parked again: a row has come there behind its back. */
  reload(): void {
    this.#backlog.reload();
    this.kick();
  }

  /** The destination may have become able to deliver; of these twins, or (null) as a whole. */
  wake(twins: readonly Address[] | null): void {
    if (twins === null) {
      this.#failures = 0;
      this.#paused?.[Symbol.dispose]();
      this.#paused = null;
    }
    const keys = twins?.map(keyOf) ?? [...this.#held.keys(), ...this.#underway.keys()];
    for (const key of keys) {
      const underway = this.#underway.get(key);
      if (underway) underway.isWoken = true;
      else if (this.#held.has(key)) this.#letGo(key);
      else this.#spill.want(key);
    }
    if (twins === null) this.#spill.wantAll();
    this.kick();
  }

  kick(): void {
    this.#nudge?.();
    if (this.#isRunning || this.#paused || this.#isClosed || !this.#sink) return;
    if (!this.#waiting.hasReady && !this.#canRead) return;
    this.#isRunning = true;
    setImmediate(() => void this.#run());
  }

  get isIdle(): boolean {
    return !this.#isRunning && this.#settlement.isIdle;
  }

  async idle(): Promise<void> {
    while (!this.isIdle) {
      if (this.#isRunning) await new Promise<void>((go) => this.#idleWanted.push(go));
      await this.#settlement.idle();
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#nudge?.();
    this.#paused?.[Symbol.dispose]();
    this.#spill[Symbol.dispose]();
    for (const alarm of this.#held.values()) alarm[Symbol.dispose]();
    await this.#settlement.close();
    await this.idle();
  }

  /** @param position null: it is parked */
  #enqueue(row: DeliveryRow, position: Position | null): void {
    if (this.#memory.has(row.id)) return;
    const key = keyOf(row);
    const spills = this.#spill.has(key) || this.#isFullFor(key, row.home);
    if (spills && position) this.#parkLine(key);
    if (spills) this.#spill.add(key);
    if (!spills || position !== null) this.#admit(row, position, spills);
  }

  #admit(row: DeliveryRow, position: Position | null, isLeaving: boolean): void {
    if (this.#memory.has(row.id)) return;
    const key = keyOf(row);
    const pending = this.#memory.add(row, position, isLeaving);
    if (!isLeaving) this.#waiting.push(key, pending);
    if (position && (isLeaving || this.#waiting.isHeld(key))) this.#settlement.park([pending]);
  }

  /** Whether a row is parked only. While nothing leaves at all, what comes waits in the log instead. */
  #isFullFor(key: string, home: string): boolean {
    if (this.#paused || !this.#sink) return false;
    const waiting = this.#waiting.of(key).length;
    if (waiting >= MOST_OF_HELD_TWIN && this.#waiting.isHeld(key)) return true;
    if (waiting >= MOST_OF_TWIN && this.#isSlow(key)) return true;
    return this.#memory.ofHome(home) >= MOST_OF_HOME;
  }

  #isSlow(key: string): boolean {
    const since = this.#underway.get(key)?.since ?? null;
    return since !== null && since <= this.#options.clock.now() - SLOW_MS;
  }

  /** Parks what a twin has in memory, so that what is parked after it comes after it. */
  #parkLine(key: string): void {
    const underway = this.#underway.get(key);
    const line = [...(underway ? [underway] : []), ...this.#waiting.of(key)];
    this.#settlement.park(line.filter(({ position, isParked }) => position && !isParked));
  }

  #parked(pending: Pending): void {
    this.#memory.release(pending);
    if (pending.isLeaving) this.#memory.delete(pending);
  }

  /** Nothing of a twin waits here, or is under way. */
  #isIdle(key: string): boolean {
    return !this.#underway.has(key) && this.#waiting.of(key).length === 0;
  }

  get #canRead(): boolean {
    return this.#backlog.canRead || (this.#spill.hasWanted && this.#hasRoom);
  }

  async #run(): Promise<void> {
    const sink = this.#sink;
    while (sink && sink === this.#sink && !this.#paused && !this.#isClosed) {
      const { atOnce, rows: most } = sink.pace ?? PACE;
      const isFree = this.#calls.size < atOnce;
      if (isFree && this.#waiting.hasReady) this.#begin(sink, this.#waiting.take(most));
      else if (isFree && this.#canRead) await this.#read();
      else if (this.#calls.size > 0) await this.#somethingHappens();
      else break;
    }
    await Promise.all(this.#calls);
    this.#isRunning = false;
    const wanted = this.#idleWanted;
    this.#idleWanted = [];
    for (const resolve of wanted) resolve();
    // A row that came while the last deliveries ended
    this.kick();
  }

  /** Reads a page of what the store holds and memory does not. */
  async #read(): Promise<void> {
    try {
      const arrived = this.#spill.hasWanted
        ? await this.#readSpilled()
        : await this.#backlog.readOn();
      for (const committed of arrived) this.add(committed);
    } catch (error) {
      this.#pause(messageOf(error));
    }
  }

  async #readSpilled(): Promise<readonly Committed[]> {
    const keys = this.#spill.next();
    const twins = keys.map((key) => {
      const [home = '', twin = ''] = key.split('/');
      return { home, twin };
    });
    // What is on its way into the store is read, too, and what has ended is not
    const prepare = () => this.#settlement.stored();
    const { arrived, more } = await this.#backlog.readTwins(twins, prepare);
    this.#spill.hasRead(keys, more);
    return arrived;
  }

  #begin(sink: Sink, batch: readonly Pending[]): void {
    const now = this.#options.clock.now();
    for (const pending of batch) {
      pending.since = now;
      pending.isWoken = false;
      this.#underway.set(keyOf(pending.row), pending);
    }
    const call = this.#deliver(sink, batch)
      .catch((error: unknown) => this.#pause(messageOf(error)))
      .then(() => {
        for (const pending of batch) this.#done(pending);
        this.#calls.delete(call);
      });
    this.#calls.add(call);
  }

  /** Hands rows of as many twins to the destination, and sees to what comes of each. */
  async #deliver(sink: Sink, batch: readonly Pending[]): Promise<void> {
    const now = this.#options.clock.now();
    const due: Pending[] = [];
    for (const pending of batch) {
      const { row } = pending;
      if (row.expiresAt === null || row.expiresAt > now) due.push(pending);
      else {
        this.#tell(row, 'dropped');
        this.#options.onDropped(row);
        this.#end(pending);
      }
    }
    if (due.length === 0) return;
    const rows = due.map(({ row }) => row);
    for (const row of rows) if (row.delivery.type === 'command') this.#options.onSending(row);
    const outcomes = await outcomesOf(sink, rows, (row) =>
      this.#waiting.of(keyOf(row)).map((pending) => pending.row),
    );
    let away: string | null = null;
    for (const [index, pending] of due.entries()) {
      away = this.#settle(pending, outcomes[index] as DeliveryOutcome, now) ?? away;
    }
    if (away === null) this.#failures = 0;
    else this.#pause(away);
  }

  /** @returns why the destination is away as a whole; null: it is not */
  #settle(pending: Pending, outcome: DeliveryOutcome, begunAt: number): string | null {
    const { row, isWithdrawn } = pending;
    const isCommand = row.delivery.type === 'command';
    if (outcome.status === 'delivered') {
      this.#tell(row, 'delivered');
      this.#end(pending);
      if (isCommand) this.#options.onSent(row);
      return null;
    }
    if (outcome.status === 'retry' && isCommand) this.#options.onUnsent(row);
    // What nobody wants any more leaves no letter: its twin may have gone, and its id be another's
    if (isWithdrawn) {
      this.#end(pending);
      return null;
    }
    const isAway = outcome.status === 'retry' && outcome.scope === 'destination';
    if (isAway) return outcome.error;
    if (outcome.status === 'refused' || isLastTry(row, outcome)) {
      this.#tell(row, 'dead');
      const { clock, newId } = this.#options;
      const letter = deadLetterOf(row, outcome, this.#name, newId(), clock.now());
      this.#settlement.bury(pending, letter);
      pending.isBuried = true;
      this.#options.onDead(row, outcome.error);
      return null;
    }
    // What it lacked may have come while the others of this call were waited for
    if (!pending.isWoken) this.#hold(pending, outcome, begunAt);
    return null;
  }

  /** A call has ended: what it has not brought to an end is the first of its twin again. */
  #done(pending: Pending): void {
    const key = keyOf(pending.row);
    pending.since = null;
    this.#underway.delete(key);
    const isOpen = this.#memory.has(pending.row.id) && !pending.isBuried;
    if (isOpen && pending.isWithdrawn) this.#end(pending);
    else if (isOpen && !pending.isLeaving) this.#waiting.putBack(key, pending);
    this.#waiting.done(key);
    // One that could not be delivered has its next try when the store is swept, or when it is woken
    if (!isOpen || pending.isWithdrawn) this.#spill.want(key);
  }

  /** A twin that cannot be reached: it waits with its own rows behind, and nobody else does. */
  #hold(pending: Pending, outcome: DeliveryOutcome & { status: 'retry' }, begunAt: number): void {
    const { clock, random } = this.#options;
    const key = keyOf(pending.row);
    const { notBefore } = pending.row;
    // Tried early, as somebody hoped that it could be delivered: that is no attempt of its own
    const isEarly = notBefore > begunAt && pending.row.attempts > 0;
    const attempts = pending.row.attempts + 1;
    const wait = isEarly
      ? Math.max(0, notBefore - clock.now())
      : Math.max(outcome.afterMs ?? 0, backoffMs(attempts, RETRY, random()));
    if (!isEarly) {
      this.#postponed(attempts, outcome.error);
      pending.row = { ...pending.row, attempts, notBefore: clock.now() + wait };
    }
    // Those that cannot be reached leave room for the others of their home
    const isOutOfPlaces =
      this.#held.size >= MOST_HELD_TWINS ||
      this.#memory.ofHome(pending.row.home) > MOST_OF_HOME / 2;
    if (!isEarly || !pending.isParked) this.#settlement.park([pending]);
    if (!isOutOfPlaces) {
      this.#waiting.hold(key);
      this.#held.set(
        key,
        clock.delay(wait, () => this.#letGo(key)),
      );
    } else pending.isLeaving = true;
    for (const [at, other] of this.#waiting.of(key).entries()) {
      if (isOutOfPlaces || at >= MOST_OF_HELD_TWIN) other.isLeaving = true;
    }
    this.#parkLine(key);
    const leaving = this.#waiting.remove(key, ({ isLeaving }) => isLeaving);
    if (leaving.length > 0 || pending.isLeaving) this.#spill.add(key);
    for (const other of leaving) if (other.isParked) this.#memory.delete(other);
    // It stands in the store as it is
    if (pending.isLeaving && isEarly && pending.isParked) this.#memory.delete(pending);
  }

  #letGo(key: string): void {
    this.#held.get(key)?.[Symbol.dispose]();
    this.#held.delete(key);
    this.#waiting.release(key);
    this.#spill.want(key);
    this.kick();
  }

  /** Parks what holds the cursor back: what has been under way for long, and what waits for the same twin. */
  parkSlow(): void {
    if (this.#paused || !this.#sink) return;
    for (const key of this.#underway.keys()) if (this.#isSlow(key)) this.#parkLine(key);
  }

  /** A delivery ends, or a row arrives. */
  async #somethingHappens(): Promise<void> {
    const arrival = new Promise<void>((resolve) => {
      this.#nudge = resolve;
    });
    await Promise.race([...this.#calls, arrival]);
    this.#nudge = null;
  }

  #pause(error: string): void {
    if (this.#isClosed || this.#paused) return;
    const { clock, random } = this.#options;
    this.#failures++;
    this.#postponed(this.#failures, error);
    this.#paused = clock.delay(backoffMs(this.#failures, RETRY, random()), () => {
      this.#paused = null;
      this.kick();
    });
  }

  #postponed(attempts: number, error: string): void {
    const { telemetry } = this.#options;
    telemetry.emit('delivery.postponed', { destination: this.#name, attempts, error });
  }

  #tell(row: DeliveryRow, outcome: 'delivered' | 'dropped' | 'dead'): void {
    const { clock, telemetry } = this.#options;
    const waitedMs = clock.now() - row.createdAt;
    telemetry.emit('delivery.settled', { destination: this.#name, outcome, waitedMs });
  }
}
