import { backoffMs } from './backoff.ts';
import type { Clock } from './clock.ts';
import { keyOf } from './envelope.ts';
import { messageOf } from './errors.ts';
import type { DeadLetterRow, OutboxRow } from './rows.ts';
import type { DeliveryOutcome, Sink } from './sink.ts';
import type { Settlement, Storage } from './storage/port.ts';
import type { EngineTelemetry } from './telemetry.ts';

export interface LaneOptions {
  storage: Pick<Storage, 'pendingDeliveries' | 'settle' | 'postpone'>;
  clock: Clock;
  telemetry: EngineTelemetry;
  random: () => number;
  newId: () => string;
  /** A command has left the house. */
  onSent: (row: OutboxRow) => void;
  /** A destination has refused an effect for good. */
  onDead: (row: OutboxRow, error: string) => void;
}

/** A row that is tried again, and how long its destination wants to be left alone. */
interface Delayed {
  row: OutboxRow;
  error: string;
  afterMs: number;
}

/** Rows that were committed, and rows that have become void. */
interface Meanwhile {
  arrived: OutboxRow[];
  gone: ((row: OutboxRow) => boolean)[];
}

/** Rows that a lane holds in memory; what comes on top is read from the store later. */
const LANE_LIMIT = 10_000;
/** With those whose twins cannot be reached, which must not keep out the others. */
const KNOWN_LIMIT = 50_000;
const PAGE = 1_000;
/** Calls of `deliver` that run at once, as a twin that takes its time must not hold up the lane, and rows of one. */
const PACE = { atOnce: 4, rows: 500 };
/** Of what never expires; anything else is tried until it does. */
const MAX_ATTEMPTS = 100;
const NO_OUTCOME: DeliveryOutcome = { status: 'retry', error: 'the sink gave no outcome' };
const LANE_RETRY = { baseMs: 250, capMs: 30_000 };

/** The way to one destination: a queue of its own, retries of its own. */
export class Lane {
  readonly #name: string;
  readonly #options: LaneOptions;
  #sink: Sink | null = null;
  #queue: OutboxRow[] = [];
  /** Ids in memory whose end is not stored yet: what a reload must not take a second time. */
  #known = new Set<string>();
  /** Whether the store may hold rows that the queue does not. */
  #behind = true;
  /** What happens while the store is being read. */
  #meanwhile: Meanwhile | null = null;
  /** Twins whose first row waits for another try, with what waits behind it. */
  #delayed = new Map<string, { rows: OutboxRow[]; alarm: Disposable }>();
  #failures = 0;
  /** How often the destination has become able to deliver. */
  #wakes = 0;
  #paused: Disposable | null = null;
  #running = false;
  #closed = false;
  #underway = new Set<Promise<void>>();
  /** Ids of the rows that are under way, and of those among them that need not be tried again. */
  #tried = new Set<string>();
  #withdrawn = new Set<string>();
  /** Twins that have a row under way. */
  #busy = new Set<string>();
  #nudge: (() => void) | null = null;
  /** Ends that are not being stored yet. */
  #ended: Settlement[] = [];
  #settling: Promise<void> = Promise.resolve();
  #isSettling = false;
  #idleWanted: (() => void)[] = [];
  /** Ends the waiting between two tries to store an end. */
  #hurry: (() => void) | null = null;

  constructor(name: string, options: LaneOptions) {
    this.#name = name;
    this.#options = options;
  }

  get waiting(): number {
    return this.#known.size;
  }

  add(row: OutboxRow): void {
    if (this.#meanwhile) this.#meanwhile.arrived.push(row);
    else if (this.#behind || !this.#hasRoom) this.#behind = true;
    else this.#enqueue(row);
  }

  get #hasRoom(): boolean {
    return this.#queue.length < LANE_LIMIT && this.#known.size < KNOWN_LIMIT;
  }

  withdraw(ids: readonly string[]): void {
    if (ids.length === 0) return;
    this.#meanwhile?.gone.push(({ id }) => ids.includes(id));
    const gone = new Set<string>();
    for (const id of ids) {
      // One that is being delivered right now stays known until that has ended
      if (this.#tried.has(id)) this.#withdrawn.add(id);
      else if (this.#known.delete(id)) gone.add(id);
    }
    if (gone.size === 0) return;
    const isLeft = ({ id }: OutboxRow) => !gone.has(id);
    this.#queue = this.#queue.filter(isLeft);
    for (const delayed of this.#delayed.values()) delayed.rows = delayed.rows.filter(isLeft);
  }

  forget({ home, twin }: { home: string; twin?: string }): void {
    const isGone = (row: OutboxRow) => row.home === home && (twin ?? row.twin) === row.twin;
    this.#meanwhile?.gone.push(isGone);
    for (const row of this.#queue) if (isGone(row)) this.#known.delete(row.id);
    this.#queue = this.#queue.filter((row) => !isGone(row));
    for (const [key, { rows, alarm }] of this.#delayed) {
      // All rows behind one delayed twin are that twin's
      if (!rows[0] || !isGone(rows[0])) continue;
      alarm[Symbol.dispose]();
      this.#delayed.delete(key);
      for (const { id } of rows) this.#known.delete(id);
    }
  }

  attach(sink: Sink): void {
    this.#sink = sink;
    this.kick();
  }

  detach(): void {
    this.#sink = null;
  }

  reload(): void {
    this.#behind = true;
    this.kick();
  }

  wake(): void {
    this.#wakes++;
    this.#failures = 0;
    this.#paused?.[Symbol.dispose]();
    this.#paused = null;
    const released = [...this.#delayed.values()];
    this.#delayed.clear();
    for (const { alarm } of released) alarm[Symbol.dispose]();
    this.#queue = [...released.flatMap(({ rows }) => rows), ...this.#queue];
    this.kick();
  }

  kick(): void {
    this.#nudge?.();
    if (this.#running || this.#paused || this.#closed || !this.#sink) return;
    if (this.#queue.length === 0 && !this.#canCatchUp) return;
    this.#running = true;
    setImmediate(() => void this.#run());
  }

  get isIdle(): boolean {
    return !this.#running && !this.#isSettling;
  }

  async idle(): Promise<void> {
    while (this.#running) await new Promise<void>((resolve) => this.#idleWanted.push(resolve));
    await this.#settling;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#paused?.[Symbol.dispose]();
    for (const { alarm } of this.#delayed.values()) alarm[Symbol.dispose]();
    this.#hurry?.();
    await this.idle();
  }

  #enqueue(row: OutboxRow): void {
    if (this.#known.has(row.id)) return;
    this.#known.add(row.id);
    const delayed = this.#delayed.get(keyOf(row));
    if (delayed) delayed.rows.push(row);
    else this.#queue.push(row);
  }

  async #run(): Promise<void> {
    const sink = this.#sink;
    while (sink && sink === this.#sink && !this.#paused && !this.#closed) {
      const { atOnce, rows: most } = sink.pace ?? PACE;
      const rows = this.#underway.size < atOnce ? this.#take(most) : [];
      if (rows.length > 0) this.#begin(sink, rows);
      else if (this.#underway.size > 0) await this.#somethingHappens();
      else if (!this.#canCatchUp) break;
      else if (!(await this.#catchUp())) break;
    }
    await Promise.all(this.#underway);
    this.#running = false;
    const wanted = this.#idleWanted;
    this.#idleWanted = [];
    for (const resolve of wanted) resolve();
    // A row that came while the last deliveries ended
    this.kick();
  }

  /** The next rows in order, without those of twins that have one under way. */
  #take(most: number): OutboxRow[] {
    const taken: OutboxRow[] = [];
    const left: OutboxRow[] = [];
    for (const row of this.#queue) {
      const free = taken.length < most && !this.#busy.has(keyOf(row));
      (free ? taken : left).push(row);
    }
    this.#queue = left;
    return taken;
  }

  #begin(sink: Sink, rows: OutboxRow[]): void {
    for (const row of rows) {
      this.#busy.add(keyOf(row));
      this.#tried.add(row.id);
    }
    const delivery = this.#deliver(sink, rows)
      .catch((error: unknown) => {
        // Nothing is lost, so read it again later
        for (const { id } of rows) this.#known.delete(id);
        this.#behind = true;
        this.#pause(messageOf(error));
      })
      .then(() => {
        for (const row of rows) {
          this.#busy.delete(keyOf(row));
          this.#tried.delete(row.id);
          if (this.#withdrawn.delete(row.id)) this.withdraw([row.id]);
        }
        this.#underway.delete(delivery);
      });
    this.#underway.add(delivery);
  }

  /** A delivery ends, or a row arrives. */
  async #somethingHappens(): Promise<void> {
    const arrival = new Promise<void>((resolve) => {
      this.#nudge = resolve;
    });
    await Promise.race([...this.#underway, arrival]);
    this.#nudge = null;
  }

  get #canCatchUp(): boolean {
    return this.#behind && this.#hasRoom;
  }

  /**
   * Reads what the store holds and memory does not, as far as memory allows.
   * @returns whether there is something to deliver
   */
  async #catchUp(): Promise<boolean> {
    const meanwhile: Meanwhile = { arrived: [], gone: [] };
    this.#meanwhile = meanwhile;
    const isGone = (row: OutboxRow) => meanwhile.gone.some((is) => is(row));
    try {
      await this.#settling;
      let after = 0;
      this.#behind = false;
      for (;;) {
        const page = await this.#options.storage.pendingDeliveries(after, PAGE);
        for (const { row, position } of page) {
          after = position;
          if (row.destination !== this.#name || isGone(row)) continue;
          if (this.#hasRoom) this.#enqueue(row);
          else this.#behind = true;
        }
        if (page.length < PAGE || this.#behind) break;
      }
      return this.#queue.length > 0 || meanwhile.arrived.length > 0;
    } catch (error) {
      this.#behind = true;
      this.#pause(messageOf(error));
      return false;
    } finally {
      this.#meanwhile = null;
      for (const row of meanwhile.arrived) if (!isGone(row)) this.add(row);
    }
  }

  async #deliver(sink: Sink, rows: OutboxRow[]): Promise<void> {
    const now = this.#options.clock.now();
    const expired = rows.filter((row) => row.expiresAt !== null && row.expiresAt <= now);
    const due = rows.filter((row) => row.expiresAt === null || row.expiresAt > now);
    const settlements: Settlement[] = expired.map(({ id }) => ({ id, outcome: 'dropped' }));
    for (const row of expired) this.#tell(row, 'dropped');
    const wakes = this.#wakes;
    let outcomes: DeliveryOutcome[] = [];
    if (due.length > 0) {
      try {
        outcomes = await sink.deliver(due);
      } catch (error) {
        outcomes = due.map(() => ({
          status: 'retry',
          error: messageOf(error),
          scope: 'destination',
        }));
      }
    }
    const delayed: Delayed[] = [];
    const held: Delayed[] = [];
    const missed: OutboxRow[] = [];
    for (const [index, row] of due.entries()) {
      const outcome = outcomes[index] ?? NO_OUTCOME;
      const again = row.expiresAt !== null || row.attempts + 1 < MAX_ATTEMPTS;
      if (outcome.status === 'retry' && this.#withdrawn.has(row.id)) continue;
      if (outcome.status === 'retry' && again) {
        const { error, scope = 'twin', afterMs = 0 } = outcome;
        // What it lacked may have come while the others of this delivery were waited for
        if (this.#wakes > wakes) missed.push(row);
        else (scope === 'twin' ? delayed : held).push({ row, error, afterMs });
      } else if (outcome.status === 'delivered') {
        settlements.push({
          id: row.id,
          outcome: 'delivered',
          at: this.#options.clock.now(),
          attempts: row.attempts + 1,
        });
        this.#tell(row, 'delivered');
        if (row.delivery.type === 'command') this.#options.onSent(row);
      } else {
        settlements.push({ id: row.id, outcome: 'dead', letter: this.#letter(row, outcome) });
        this.#tell(row, 'dead');
        this.#options.onDead(row, outcome.error);
      }
    }
    this.#settle(settlements);
    this.#queue.unshift(...missed);
    const [away] = held;
    if (!away) this.#failures = 0;
    else {
      // Wait for it with everything in order
      this.#queue.unshift(...held.map(({ row }) => row));
      this.#pause(away.error);
    }
    if (delayed.length > 0) await this.#delay(delayed);
  }

  /**
   * Stored in the background, all that have gathered while the former were; delivering goes on meanwhile.
   * A crash in between delivers again under the same id.
   */
  #settle(settlements: readonly Settlement[]): void {
    this.#ended.push(...settlements);
    if (this.#isSettling || this.#ended.length === 0) return;
    this.#isSettling = true;
    this.#settling = this.#storeEnds();
  }

  async #storeEnds(): Promise<void> {
    while (this.#ended.length > 0) {
      const settlements = this.#ended;
      this.#ended = [];
      await this.#store(settlements);
      for (const { id } of settlements) this.#known.delete(id);
    }
    this.#isSettling = false;
    // There may be room again for what the store holds
    if (this.#behind) this.kick();
  }

  /** Tries until it is stored, or the lane is closed. */
  async #store(settlements: readonly Settlement[]): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#options.storage.settle(settlements);
        return;
      } catch (error) {
        if (this.#closed) return;
        this.#options.telemetry.emit('delivery.postponed', {
          destination: this.#name,
          attempts: attempt,
          error: `its end could not be stored: ${messageOf(error)}`,
        });
        await this.#wait(backoffMs(attempt, LANE_RETRY, this.#options.random()));
      }
    }
  }

  /** Single twins that cannot be reached: they wait, each with its own rows behind, and nobody else does. */
  async #delay(retried: readonly Delayed[]): Promise<void> {
    const { clock, random, storage, telemetry } = this.#options;
    const postponed: { id: string; attempts: number; notBefore: number }[] = [];
    for (const { row, error, afterMs } of retried) {
      const attempts = row.attempts + 1;
      const wait = Math.max(afterMs, backoffMs(attempts, LANE_RETRY, random()));
      const notBefore = clock.now() + wait;
      postponed.push({ id: row.id, attempts, notBefore });
      telemetry.emit('delivery.postponed', { destination: this.#name, attempts, error });
      const twin = keyOf(row);
      const waiting = this.#delayed.get(twin);
      const again = { ...row, attempts, notBefore };
      if (waiting) waiting.rows.push(again);
      else {
        this.#delayed.set(twin, {
          rows: [again],
          alarm: clock.delay(wait, () => {
            this.#release(twin);
            this.kick();
          }),
        });
      }
    }
    // What came meanwhile goes behind them
    const queue = this.#queue;
    this.#queue = [];
    for (const row of queue) (this.#delayed.get(keyOf(row))?.rows ?? this.#queue).push(row);
    try {
      await storage.postpone(postponed);
    } catch (error) {
      // They wait in memory all the same; a restart would try them sooner
      telemetry.emit('background.failed', { task: `postponing for ${this.#name}`, error });
    }
  }

  #release(twin: string): void {
    const delayed = this.#delayed.get(twin);
    if (!delayed) return;
    delayed.alarm[Symbol.dispose]();
    this.#delayed.delete(twin);
    this.#queue.unshift(...delayed.rows);
  }

  #pause(error: string): void {
    if (this.#closed || this.#paused) return;
    const { clock, random, telemetry } = this.#options;
    this.#failures++;
    telemetry.emit('delivery.postponed', {
      destination: this.#name,
      attempts: this.#failures,
      error,
    });
    this.#paused = clock.delay(backoffMs(this.#failures, LANE_RETRY, random()), () => {
      this.#paused = null;
      this.kick();
    });
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const alarm = this.#options.clock.delay(ms, resolve);
      this.#hurry = () => {
        alarm[Symbol.dispose]();
        resolve();
      };
    });
  }

  #tell(row: OutboxRow, outcome: 'delivered' | 'dropped' | 'dead'): void {
    this.#options.telemetry.emit('delivery.settled', {
      destination: this.#name,
      outcome,
      waitedMs: this.#options.clock.now() - row.createdAt,
    });
  }

  #letter(
    row: OutboxRow,
    outcome: Exclude<DeliveryOutcome, { status: 'delivered' }>,
  ): DeadLetterRow {
    return {
      id: this.#options.newId(),
      home: row.home,
      twin: row.twin,
      source: this.#name,
      code: 'delivery-failed',
      error: outcome.error,
      hint: outcome.status === 'refused' ? (outcome.hint ?? null) : 'Given up after many tries.',
      at: this.#options.clock.now(),
      attempts: row.attempts + 1,
      content: { type: 'delivery', outbox: row },
    };
  }
}
