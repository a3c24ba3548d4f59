import { backoffMs } from '../model/backoff.ts';
import type { Clock } from '../model/clock.ts';
import { keyOf } from '../model/envelope.ts';
import { messageOf } from '../model/errors.ts';
import type { DeadLetterRow, DeliveryRow, Position } from '../model/rows.ts';
import type { EngineTelemetry } from '../model/telemetry.ts';
import type { Storage } from '../storage/port.ts';
import { CursorTracker } from './cursor-tracker.ts';
import type { DeliveryOutcome, Sink } from './sink.ts';

export interface DeliveryQueueOptions {
  storage: Pick<Storage, 'park' | 'endDeliveries'>;
  /** What there is to deliver, as it is stored. */
  source: DeliverySource;
  clock: Clock;
  telemetry: EngineTelemetry;
  random: () => number;
  newId: () => string;
  /** A command is handed to its destination. */
  onSending: (row: DeliveryRow) => void;
  /** It has not left the house, and is tried again. */
  onUnsent: (row: DeliveryRow) => void;
  /** It has expired before it could leave. */
  onDropped: (row: DeliveryRow) => void;
  /** A command has left the house. */
  onSent: (row: DeliveryRow) => void;
  /** A destination has refused an effect for good. */
  onDead: (row: DeliveryRow, error: string) => void;
}

/** A delivery of a turn. */
export interface LogDelivery {
  row: DeliveryRow;
  position: Position;
}

/** Deliveries as the store has them: the way back to what memory does not hold. */
export interface DeliverySource {
  /** Of each writer, the position of its last commit that is known here. */
  heads(): ReadonlyMap<number, number>;
  /** Turns in a range of positions (`after` exclusive), each with what it sends to a destination. */
  read(
    destination: string,
    after: number,
    upTo: number,
  ): Promise<{ position: Position; rows: DeliveryRow[] }[]>;
  /** What is parked for a destination after a place; `over`: ids that need not be delivered any more; `next` null: that was all. */
  parked(
    destination: string,
    after: number,
  ): Promise<{ rows: DeliveryRow[]; over: string[]; next: number | null }>;
}

/** A row that is tried again, and how long its destination wants to be left alone. */
interface Delayed {
  row: DeliveryRow;
  error: string;
  afterMs: number;
}

/** What was committed, and what has become void. */
interface Meanwhile {
  /** By commit; null: more than memory holds. */
  arrived: Committed[] | null;
  gone: ((row: DeliveryRow) => boolean)[];
}

/** What a commit has for one destination. */
interface Committed {
  writer: number;
  /** Its last position. */
  seq: number;
  deliveries: readonly LogDelivery[];
}

/** Rows that a queue holds in memory; what comes on top is read from the store later. */
const LANE_LIMIT = 10_000;
/** With those whose twins cannot be reached, which must not keep out the others. */
const KNOWN_LIMIT = 50_000;
/** Positions that are read at once. */
const RANGE = 1_000;
/** What is under way for longer is parked, so that the cursor passes it. */
const SLOW_MS = 1_000;
/** Calls of `deliver` that run at once, as a twin that takes its time must not hold up the queue, and rows of one. */
const PACE = { atOnce: 4, rows: 500 };
/** Of what never expires; anything else is tried until it does. */
const MAX_ATTEMPTS = 100;
const NO_OUTCOME: DeliveryOutcome = { status: 'retry', error: 'the sink gave no outcome' };
const LANE_RETRY = { baseMs: 250, capMs: 30_000 };

/** The way to one destination: a queue of its own, retries of its own. */
export class DeliveryQueue {
  readonly #name: string;
  readonly #options: DeliveryQueueOptions;
  #sink: Sink | null = null;
  #queue: DeliveryRow[] = [];
  /** Ids in memory that have not come to their end; with where in the log they hold the cursor back. */
  #known = new Map<string, Position | null>();
  /** Ids of those that are parked. */
  #parked = new Set<string>();
  readonly #passage: CursorTracker;
  /** Whether the log may hold what the queue does not. */
  #behind: boolean;
  /** Positions of writers when it began; null: it has seen all that the store had for it then. */
  #beginning: ReadonlyMap<number, number> | null;
  /** Up to which place what is parked has been read; null: all of it. */
  #parkedRead: number | null = 0;
  /** What happens while the store is being read. */
  #meanwhile: Meanwhile | null = null;
  /** Twins whose first row waits for another try, with what waits behind it. */
  #delayed = new Map<string, { rows: DeliveryRow[]; alarm: Disposable }>();
  #failures = 0;
  /** How often the destination has become able to deliver. */
  #wakes = 0;
  #paused: Disposable | null = null;
  #running = false;
  #closed = false;
  #underway = new Set<Promise<void>>();
  /** Rows that are under way, since when, and ids of those among them that need not be tried again. */
  #tried = new Map<string, { row: DeliveryRow; since: number }>();
  #withdrawn = new Set<string>();
  /** Twins that have a row under way. */
  #busy = new Set<string>();
  #nudge: (() => void) | null = null;
  /** What is to be stored next: rows to park, and ends of parked and dead ones. */
  #parking: DeliveryRow[] = [];
  #ended: string[] = [];
  #letters: DeadLetterRow[] = [];
  #storing: Promise<void> = Promise.resolve();
  #isStoring = false;
  #idleWanted: (() => void)[] = [];
  /** Ends the waiting between two tries to store an end. */
  #hurry: (() => void) | null = null;

  /** @param cursors of each writer, up to where everything is delivered or parked */
  constructor(name: string, cursors: ReadonlyMap<number, number>, options: DeliveryQueueOptions) {
    this.#name = name;
    this.#options = options;
    this.#passage = new CursorTracker(cursors);
    const heads = [...options.source.heads()];
    this.#behind = heads.some(([writer, head]) => this.#passage.seen(writer) < head);
    this.#beginning = new Map(heads);
  }

  get waiting(): number {
    return this.#known.size;
  }

  /** Those in memory that are not parked, and when the oldest of them was asked for. */
  unparked(): { depth: number; oldestAt: number | null } {
    let depth = 0;
    let oldestAt: number | null = null;
    const waiting = [
      ...[...this.#tried.values()].map(({ row }) => row),
      ...this.#queue,
      ...[...this.#delayed.values()].flatMap(({ rows }) => rows),
    ];
    for (const { id, createdAt } of waiting) {
      if (this.#parked.has(id)) continue;
      depth++;
      oldestAt = Math.min(oldestAt ?? createdAt, createdAt);
    }
    return { depth, oldestAt };
  }

  cursor(writer: number): number {
    return this.#passage.cursor(writer);
  }

  /** Whether a delivery from before it began has come to its end. False: not yet, or not known. */
  isThrough(id: string): boolean {
    return this.#beginning === null && !this.#known.has(id);
  }

  mayHaveParked(id: string): boolean {
    return this.#parkedRead !== null || this.#parked.has(id);
  }

  /** Takes what a commit has for it, or takes note that it has nothing. */
  add(committed: Committed): void {
    const meanwhile = this.#meanwhile;
    if (meanwhile) {
      if (meanwhile.arrived === null) return;
      if (meanwhile.arrived.length < LANE_LIMIT) meanwhile.arrived.push(committed);
      else meanwhile.arrived = null;
    } else if (this.#behind || !this.#hasRoom) this.#behind = true;
    else this.#take(committed);
  }

  #take({ writer, seq, deliveries }: Committed): void {
    for (const { row, position } of deliveries) {
      if (position.seq > this.#passage.seen(writer)) this.#enqueue(row, position);
    }
    this.#passage.see(writer, seq);
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
      else if (this.#known.has(id)) {
        gone.add(id);
        this.#forget(id);
      }
    }
    if (gone.size === 0) return;
    const isLeft = ({ id }: DeliveryRow) => !gone.has(id);
    this.#queue = this.#queue.filter(isLeft);
    for (const delayed of this.#delayed.values()) delayed.rows = delayed.rows.filter(isLeft);
  }

  forget({ home, twin }: { home: string; twin?: string }): void {
    const isGone = (row: DeliveryRow) => row.home === home && (twin ?? row.twin) === row.twin;
    this.#meanwhile?.gone.push(isGone);
    // One that is under way is not parked when it fails
    for (const { row } of this.#tried.values()) if (isGone(row)) this.#withdrawn.add(row.id);
    for (const row of this.#queue) if (isGone(row)) this.#forget(row.id);
    this.#queue = this.#queue.filter((row) => !isGone(row));
    for (const [key, { rows, alarm }] of this.#delayed) {
      // All rows behind one delayed twin are that twin's
      if (!rows[0] || !isGone(rows[0])) continue;
      alarm[Symbol.dispose]();
      this.#delayed.delete(key);
      for (const { id } of rows) this.#forget(id);
    }
  }

  /** It has come to its end: the cursor passes, and what is parked of it goes. */
  #forget(id: string): void {
    this.#release(id);
    this.#known.delete(id);
    if (!this.#parked.delete(id)) return;
    this.#ended.push(id);
    this.#store();
  }

  /** The cursor passes. */
  #release(id: string): void {
    const position = this.#known.get(id);
    if (!position) return;
    this.#passage.end(position);
    this.#known.set(id, null);
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
    this.#parkedRead = 0;
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
    return !this.#running && !this.#isStoring;
  }

  async idle(): Promise<void> {
    while (this.#running) await new Promise<void>((resolve) => this.#idleWanted.push(resolve));
    await this.#storing;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#paused?.[Symbol.dispose]();
    for (const { alarm } of this.#delayed.values()) alarm[Symbol.dispose]();
    this.#hurry?.();
    await this.idle();
  }

  /** @param position null: it is parked */
  #enqueue(row: DeliveryRow, position: Position | null): void {
    if (this.#known.has(row.id)) return;
    this.#known.set(row.id, position);
    if (position) this.#passage.begin(position);
    const delayed = this.#delayed.get(keyOf(row));
    if (!delayed) this.#queue.push(row);
    else {
      delayed.rows.push(row);
      if (position) this.#park([row]);
    }
  }

  async #run(): Promise<void> {
    const sink = this.#sink;
    while (sink && sink === this.#sink && !this.#paused && !this.#closed) {
      const { atOnce, rows: most } = sink.pace ?? PACE;
      const rows = this.#underway.size < atOnce ? this.#next(most) : [];
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
  #next(most: number): DeliveryRow[] {
    const taken: DeliveryRow[] = [];
    const left: DeliveryRow[] = [];
    for (const row of this.#queue) {
      const free = taken.length < most && !this.#busy.has(keyOf(row));
      (free ? taken : left).push(row);
    }
    this.#queue = left;
    return taken;
  }

  #begin(sink: Sink, rows: DeliveryRow[]): void {
    for (const row of rows) {
      this.#busy.add(keyOf(row));
      this.#tried.set(row.id, { row, since: this.#options.clock.now() });
    }
    const delivery = this.#deliver(sink, rows)
      .catch((error: unknown) => {
        this.#queue.unshift(...rows.filter(({ id }) => this.#known.has(id)));
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
    return (this.#behind || this.#parkedRead !== null) && this.#hasRoom;
  }

  /**
   * Reads what the store holds and memory does not, as far as memory allows: what is parked, then the log.
   * @returns whether there is something to deliver
   */
  async #catchUp(): Promise<boolean> {
    const meanwhile: Meanwhile = { arrived: [], gone: [] };
    this.#meanwhile = meanwhile;
    const isLeft = (row: DeliveryRow) => !meanwhile.gone.some((is) => is(row));
    try {
      await this.#storing;
      await this.#readParked(isLeft);
      // What is parked comes before what the log has of the same twin
      if (this.#parkedRead === null) {
        await this.#readOn(isLeft);
        const beginning = [...(this.#beginning ?? [])];
        const isSeen = beginning.every(([writer, head]) => this.#passage.seen(writer) >= head);
        if (isSeen) this.#beginning = null;
      }
    } catch (error) {
      this.#behind = true;
      this.#pause(messageOf(error));
    } finally {
      this.#meanwhile = null;
      if (meanwhile.arrived === null) this.#behind = true;
      for (const { deliveries, ...commit } of meanwhile.arrived ?? []) {
        this.add({ ...commit, deliveries: deliveries.filter(({ row }) => isLeft(row)) });
      }
    }
    return this.#queue.length > 0 && !this.#paused;
  }

  async #readParked(isLeft: (row: DeliveryRow) => boolean): Promise<void> {
    while (this.#parkedRead !== null && this.#hasRoom) {
      const page = await this.#options.source.parked(this.#name, this.#parkedRead);
      this.#ended.push(...page.over);
      for (const row of page.rows) {
        if (!isLeft(row)) continue;
        this.#release(row.id);
        this.#parked.add(row.id);
        this.#enqueue(row, null);
      }
      this.#parkedRead = page.next;
    }
    this.#store();
  }

  async #readOn(isLeft: (row: DeliveryRow) => boolean): Promise<void> {
    const { source } = this.#options;
    const heads = new Map(source.heads());
    const head = Math.max(0, ...heads.values());
    const see = (upTo: number) => {
      for (const [writer, last] of heads) this.#passage.see(writer, Math.min(upTo, last));
    };
    for (let at = this.#passage.seenOfAll(heads.keys()); at < head; at += RANGE) {
      const upTo = Math.min(at + RANGE, head);
      for (const { position, rows } of await source.read(this.#name, at, upTo)) {
        if (position.seq <= this.#passage.seen(position.writer)) continue;
        if (!this.#hasRoom) {
          see(position.seq - 1);
          return;
        }
        for (const row of rows) if (isLeft(row)) this.#enqueue(row, position);
        this.#passage.see(position.writer, position.seq);
      }
      see(upTo);
    }
    this.#behind = false;
  }

  async #deliver(sink: Sink, rows: DeliveryRow[]): Promise<void> {
    const now = this.#options.clock.now();
    const expired = rows.filter((row) => row.expiresAt !== null && row.expiresAt <= now);
    const due = rows.filter((row) => row.expiresAt === null || row.expiresAt > now);
    const ended = expired.map(({ id }) => id);
    const letters: DeadLetterRow[] = [];
    for (const row of expired) {
      this.#tell(row, 'dropped');
      this.#options.onDropped(row);
    }
    const wakes = this.#wakes;
    let outcomes: DeliveryOutcome[] = [];
    if (due.length > 0) {
      for (const row of due) if (row.delivery.type === 'command') this.#options.onSending(row);
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
    const missed: DeliveryRow[] = [];
    for (const [index, row] of due.entries()) {
      const outcome = outcomes[index] ?? NO_OUTCOME;
      const again = row.expiresAt !== null || row.attempts + 1 < MAX_ATTEMPTS;
      if (outcome.status === 'retry' && row.delivery.type === 'command') {
        this.#options.onUnsent(row);
      }
      if (outcome.status === 'retry' && this.#withdrawn.has(row.id)) continue;
      if (outcome.status === 'retry' && again) {
        const { error, scope = 'twin', afterMs = 0 } = outcome;
        // What it lacked may have come while the others of this delivery were waited for
        if (this.#wakes > wakes) missed.push(row);
        else (scope === 'twin' ? delayed : held).push({ row, error, afterMs });
      } else if (outcome.status === 'delivered') {
        ended.push(row.id);
        this.#tell(row, 'delivered');
        if (row.delivery.type === 'command') this.#options.onSent(row);
      } else {
        letters.push(this.#letter(row, outcome));
        this.#tell(row, 'dead');
        this.#options.onDead(row, outcome.error);
      }
    }
    // What has neither been parked nor died needs no word in the store: the cursor passes it
    for (const id of ended) this.#forget(id);
    this.#bury(letters);
    this.#queue.unshift(...missed);
    const [away] = held;
    if (!away) this.#failures = 0;
    else {
      // Wait for it with everything in order
      this.#queue.unshift(...held.map(({ row }) => row));
      this.#pause(away.error);
    }
    if (delayed.length > 0) this.#delay(delayed);
  }

  #bury(letters: readonly DeadLetterRow[]): void {
    this.#letters.push(...letters);
    this.#store();
  }

  /** Parks what holds the cursor back: what has been under way for long, and what waits for the same twin. */
  parkSlow(): void {
    if (this.#paused || !this.#sink) return;
    const before = this.#options.clock.now() - SLOW_MS;
    const slow = [...this.#tried.values()].filter(({ since }) => since <= before);
    if (slow.length === 0) return;
    const twins = new Set(slow.map(({ row }) => keyOf(row)));
    const behind = this.#queue.filter((row) => twins.has(keyOf(row)));
    this.#park([...slow.map(({ row }) => row), ...behind].filter(({ id }) => this.#known.get(id)));
  }

  #park(rows: readonly DeliveryRow[]): void {
    this.#parking.push(...rows);
    this.#store();
  }

  get #hasToStore(): boolean {
    return this.#parking.length + this.#ended.length + this.#letters.length > 0;
  }

  /**
   * In the background, all that has gathered while the former was stored; delivering goes on meanwhile.
   * A crash in between delivers again under the same id.
   */
  #store(): void {
    if (this.#isStoring || !this.#hasToStore) return;
    this.#isStoring = true;
    this.#storing = this.#storeAll();
  }

  async #storeAll(): Promise<void> {
    while (this.#hasToStore) {
      const parking = this.#parking;
      this.#parking = [];
      if (parking.length > 0) await this.#storeParked(parking);
      const ended = this.#ended;
      const letters = this.#letters;
      this.#ended = [];
      this.#letters = [];
      if (ended.length + letters.length > 0) await this.#storeEnds(ended, letters);
    }
    this.#isStoring = false;
    // There may be room again for what the store holds
    if (this.#canCatchUp) this.kick();
  }

  async #storeParked(rows: readonly DeliveryRow[]): Promise<void> {
    try {
      await this.#options.storage.park(rows);
    } catch (error) {
      // They wait in memory all the same, and hold the cursor back
      const task = `parking for ${this.#name}`;
      this.#options.telemetry.emit('background.failed', { task, error });
      return;
    }
    for (const { id } of rows) {
      this.#release(id);
      if (this.#known.has(id)) this.#parked.add(id);
      // It has come to its end meanwhile
      else this.#ended.push(id);
    }
  }

  /** Tries until it is stored, or the queue is closed. */
  async #storeEnds(ended: readonly string[], letters: readonly DeadLetterRow[]): Promise<void> {
    const dead = letters.flatMap(({ content }) =>
      content.type === 'delivery' ? [content.outbox.id] : [],
    );
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#options.storage.endDeliveries([...ended, ...dead], letters);
        break;
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
    for (const id of dead) {
      this.#parked.delete(id);
      this.#forget(id);
    }
  }

  /** Single twins that cannot be reached: they wait, each with its own rows behind, and nobody else does. */
  #delay(retried: readonly Delayed[]): void {
    const { clock, random, telemetry } = this.#options;
    const parking: DeliveryRow[] = [];
    for (const { row, error, afterMs } of retried) {
      const attempts = row.attempts + 1;
      const wait = Math.max(afterMs, backoffMs(attempts, LANE_RETRY, random()));
      telemetry.emit('delivery.postponed', { destination: this.#name, attempts, error });
      const twin = keyOf(row);
      const waiting = this.#delayed.get(twin);
      const again = { ...row, attempts, notBefore: clock.now() + wait };
      parking.push(again);
      if (waiting) waiting.rows.push(again);
      else {
        this.#delayed.set(twin, {
          rows: [again],
          alarm: clock.delay(wait, () => {
            this.#resume(twin);
            this.kick();
          }),
        });
      }
    }
    // What came meanwhile goes behind them
    const queue = this.#queue;
    this.#queue = [];
    for (const row of queue) {
      const delayed = this.#delayed.get(keyOf(row));
      if (!delayed) this.#queue.push(row);
      else {
        delayed.rows.push(row);
        if (this.#known.get(row.id)) parking.push(row);
      }
    }
    this.#park(parking);
  }

  #resume(twin: string): void {
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

  #tell(row: DeliveryRow, outcome: 'delivered' | 'dropped' | 'dead'): void {
    this.#options.telemetry.emit('delivery.settled', {
      destination: this.#name,
      outcome,
      waitedMs: this.#options.clock.now() - row.createdAt,
    });
  }

  #letter(
    row: DeliveryRow,
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
