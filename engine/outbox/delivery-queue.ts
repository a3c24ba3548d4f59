import { backoffMs } from '../model/backoff.ts';
import type { Address } from '../model/envelope.ts';
import { messageOf } from '../model/errors.ts';
import type { DeliveryRow } from '../model/rows.ts';
import { Backlog, type Committed } from './backlog.ts';
import { CursorTracker } from './cursor-tracker.ts';
import type { Pending } from './delivery.ts';
import { deadLetterOf, isLastTry, outcomesAmong } from './delivery-outcome.ts';
import type { DeliveryQueueOptions } from './delivery-queue-options.ts';
import type { DeliveryOutcome, Sink } from './sink.ts';
import { WaitingDeliveries } from './waiting-deliveries.ts';

/** Calls of `deliver` that run at once, as a twin that takes its time must not hold up the queue, and rows of one. */
const PACE = { atOnce: 4, rows: 500 };
const RETRY = { baseMs: 250, capMs: 30_000 };

/**
 * The way to one destination: hands its sink what waits, reads from the store what memory has no room for, and waits
 * while the destination is away as a whole.
 */
export class DeliveryQueue {
  readonly #name: string;
  readonly #options: DeliveryQueueOptions;
  readonly #tracker: CursorTracker;
  readonly #backlog: Backlog;
  readonly #waiting: WaitingDeliveries;
  readonly #calls = new Set<Promise<void>>();
  /** The sink for deliveries that no other sink carries. */
  #sink: Sink | null = null;
  #carriers: readonly Sink[] = [];
  #failures = 0;
  #paused: Disposable | null = null;
  #isRunning = false;
  #isClosed = false;
  #nudge: (() => void) | null = null;
  #idleWanted: (() => void)[] = [];

  /** @param cursors of each writer, up to where everything is delivered or parked */
  constructor(name: string, cursors: ReadonlyMap<number, number>, options: DeliveryQueueOptions) {
    const { storage, source, clock, random, limits } = options;
    this.#name = name;
    this.#options = options;
    const tracker = new CursorTracker(cursors);
    const waiting = new WaitingDeliveries({
      ...{ storage, clock, random, tracker, limits },
      isFlowing: () => this.#sink !== null && this.#paused === null,
      onChange: () => this.kick(),
      onPostponed: (attempts, error) => this.#postponed(attempts, error),
    });
    this.#tracker = tracker;
    this.#waiting = waiting;
    this.#backlog = new Backlog({
      ...{ destination: name, source, tracker },
      hasRoom: () => waiting.hasRoom,
      enqueue: (row, position) => waiting.add(row, position),
      enqueueFirst: (row) => waiting.addFirst(row),
      onOver: (ids) => waiting.endParked(ids),
    });
  }

  /** Rows in memory. */
  get depth(): number {
    return this.#waiting.size;
  }

  /** Those in memory that are not parked, and when the oldest of them was asked for. */
  unparked(): { depth: number; oldestAt: number | null } {
    return this.#waiting.unparked();
  }

  cursor(writer: number): number {
    return this.#tracker.cursor(writer);
  }

  /** Whether a delivery from before it began has come to its end. False: not yet, or not known. */
  isThrough(id: string): boolean {
    return this.#backlog.isPastBeginning && !this.#waiting.mayKnow(id);
  }

  mayHaveParked(id: string): boolean {
    return this.#backlog.mayHaveParked || this.#waiting.mayHaveParked(id);
  }

  /** Takes what a commit has for it, or takes note that it has nothing. */
  add(committed: Committed): void {
    if (!this.#backlog.accepts(committed)) return;
    const { writer, seq, deliveries } = committed;
    for (const { row, position } of deliveries) {
      if (position.seq > this.#tracker.seen(writer)) this.#waiting.add(row, position);
    }
    this.#tracker.see(writer, seq);
  }

  /** A later turn has made these pointless. */
  withdraw(ids: readonly string[]): void {
    if (ids.length === 0) return;
    this.#backlog.leaveOut(({ id }) => ids.includes(id));
    this.#waiting.withdraw(ids);
  }

  /** Their twins have gone. */
  forget(deleted: { home: string; twin?: string }): void {
    const isGone = (row: DeliveryRow) =>
      row.home === deleted.home && (deleted.twin ?? row.twin) === row.twin;
    this.#backlog.leaveOut(isGone);
    this.#waiting.forget(isGone, deleted);
  }

  /** Whether these have gone is not known: the store is asked before anything more of theirs is delivered. */
  recheck(twins: { home: string; twin?: string }): void {
    this.#waiting.recheck(twins);
  }

  /**
   * Reads the first page of what is parked, which is all of it most of the time: from then on what is committed waits in
   * memory and is counted, although no sink takes it yet.
   */
  async start(): Promise<void> {
    await this.#read();
  }

  attach(sink: Sink): void {
    if (sink.carries) this.#carriers = [...this.#carriers, sink];
    else this.#sink = sink;
    this.kick();
  }

  detach(sink: Sink): void {
    this.#carriers = this.#carriers.filter((other) => other !== sink);
    if (this.#sink === sink) this.#sink = null;
  }

  /** Reads what is parked again: a row has come there behind its back. */
  reload(): void {
    this.#backlog.reload();
    this.kick();
  }

  /** The destination may have become able to deliver; to these twins, or (null) as a whole. */
  wake(twins: readonly Address[] | null): void {
    if (twins === null) {
      this.#failures = 0;
      this.#paused?.[Symbol.dispose]();
      this.#paused = null;
    }
    this.#waiting.wake(twins);
    this.kick();
  }

  /** Parks what holds the cursor back. */
  parkSlow(): void {
    if (this.#sink && !this.#paused) this.#waiting.parkSlow();
  }

  kick(): void {
    this.#nudge?.();
    if (this.#isRunning || this.#paused || this.#isClosed || !this.#sink) return;
    if (!this.#waiting.hasReady && !this.#canRead) return;
    this.#isRunning = true;
    setImmediate(() => void this.#run());
  }

  get isIdle(): boolean {
    return !this.#isRunning && this.#waiting.isIdle;
  }

  /** Resolves when nothing can be delivered or stored now. */
  async idle(): Promise<void> {
    while (!this.isIdle) {
      if (this.#isRunning) await new Promise<void>((go) => this.#idleWanted.push(go));
      await this.#waiting.idle();
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#nudge?.();
    this.#paused?.[Symbol.dispose]();
    await this.#waiting.close();
    await this.idle();
  }

  get #canRead(): boolean {
    return this.#backlog.canRead || (this.#waiting.hasSpilled && this.#waiting.hasRoom);
  }

  async #run(): Promise<void> {
    const sink = this.#sink;
    while (sink && sink === this.#sink && !this.#paused && !this.#isClosed) {
      const { atOnce, rows } = sink.pace ?? PACE;
      const isFree = this.#calls.size < atOnce;
      if (isFree && this.#waiting.hasReady) this.#begin(sink, this.#waiting.take(rows));
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
      const arrived = this.#waiting.hasSpilled
        ? await this.#readSpilled()
        : await this.#backlog.readOn();
      for (const committed of arrived) this.add(committed);
    } catch (error) {
      this.#pause(messageOf(error));
    }
  }

  async #readSpilled(): Promise<readonly Committed[]> {
    const { keys, twins, stored } = this.#waiting.nextSpilled();
    // What is on its way into the store is read, too, and what has ended is not
    const { arrived, more } = await this.#backlog.readTwins(twins, stored);
    this.#waiting.hasRead(keys, more);
    return arrived;
  }

  #begin(sink: Sink, batch: readonly Pending[]): void {
    const call = this.#deliver(sink, batch)
      .catch((error: unknown) => this.#pause(messageOf(error)))
      .then(() => {
        for (const pending of batch) this.#waiting.done(pending);
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
        this.#waiting.end(pending);
      }
    }
    if (due.length === 0) return;
    const rows = due.map(({ row }) => row);
    for (const row of rows) if (row.delivery.type === 'command') this.#options.onSending(row);
    const behind = (row: DeliveryRow) => this.#waiting.behind(row);
    const outcomes = await outcomesAmong(this.#carriers, sink, rows, behind);
    let away: string | null = null;
    for (const [index, pending] of due.entries()) {
      away = this.#settle(pending, outcomes[index] as DeliveryOutcome) ?? away;
    }
    if (away === null) this.#failures = 0;
    else this.#pause(away);
  }

  /** @returns why the destination is away as a whole; null: it is not */
  #settle(pending: Pending, outcome: DeliveryOutcome): string | null {
    const { row, isWithdrawn } = pending;
    const isCommand = row.delivery.type === 'command';
    if (outcome.status === 'delivered') {
      this.#tell(row, 'delivered');
      this.#waiting.end(pending);
      if (isCommand) this.#options.onSent(row);
      return null;
    }
    if (outcome.status === 'retry' && isCommand) this.#options.onUnsent(row);
    // What nobody wants any more leaves no letter: its twin may have gone, and its id be another's
    if (isWithdrawn) {
      this.#waiting.end(pending);
      return null;
    }
    if (outcome.status === 'retry' && outcome.scope === 'destination') return outcome.error;
    if (outcome.status === 'refused' || isLastTry(row, outcome)) {
      this.#tell(row, 'dead');
      const { clock, newId } = this.#options;
      const letter = deadLetterOf(row, outcome, this.#name, newId(), clock.now());
      this.#waiting.bury(pending, letter);
      this.#options.onDead(row, outcome.error);
      return null;
    }
    // What it lacked may have come while the others of this call were waited for
    if (!pending.isWoken) this.#waiting.hold(pending, outcome.error, outcome.afterMs ?? 0);
    return null;
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
