import type { Address } from '../model/envelope.ts';
import { EngineError } from '../model/errors.ts';
import type { Cursors, Storage, WriterStanding } from '../storage/port.ts';
import type { Destinations } from '../turn/turned.ts';
import type { LogDelivery } from './delivery.ts';
import { DeliveryQueue } from './delivery-queue.ts';
import type { DeliveryQueueOptions } from './delivery-queue-options.ts';
import type { Sink } from './sink.ts';
import { readDeliveries, readParked, readParkedOf } from './stored-deliveries.ts';

export interface OutboxOptions extends Omit<DeliveryQueueOptions, 'storage' | 'source'> {
  storage: Pick<
    Storage,
    | 'readLog'
    | 'load'
    | 'listParked'
    | 'listParkedOf'
    | 'park'
    | 'endDeliveries'
    | 'saveCursors'
    | 'getEndedIntent'
    | 'parkedStats'
  >;
  destinations: Destinations;
}

/** How long a cursor may have moved before that is stored, where no commit takes it along. */
const SAVE_AFTER_MS = 1_000;
/** Parked rows of a twin that are read at once. */
const PARKED_AT_ONCE = 100;

/**
 * Committed effects on their way out: at least once, in order per twin, each destination in a queue of its
 * own. The log is the truth; a queue in memory only spares reading it for every effect.
 */
export class Outbox implements AsyncDisposable {
  readonly #options: OutboxOptions;
  readonly #queues: ReadonlyMap<string, DeliveryQueue>;
  /** Destinations that have been given nothing of what was before. */
  readonly #new: ReadonlySet<string>;
  readonly #epoch: number;
  /** The position of the last commit, by writer. */
  readonly #heads: Map<number, number>;
  /** The cursors as they are stored, by writer. */
  readonly #saved: Map<number, Cursors>;
  #saving: Disposable | null = null;
  #closed = false;

  /** @param writers as they stood before the first commit under this epoch */
  constructor(epoch: number, writers: readonly WriterStanding[], options: OutboxOptions) {
    const { storage, destinations } = options;
    this.#options = options;
    this.#epoch = epoch;
    this.#heads = new Map(writers.map(({ writer, seq }) => [writer, seq]));
    this.#saved = new Map(writers.map(({ writer, cursors }) => [writer, cursors]));
    const source: DeliveryQueueOptions['source'] = {
      heads: () => this.#heads,
      read: (name, after, upTo) => readDeliveries(storage, destinations, name, after, upTo),
      parked: (name, after) => readParked(storage, name, after),
      parkedOf: (name, twins) => readParkedOf(storage, name, twins, PARKED_AT_ONCE),
    };
    // A destination that is new here gets nothing of what was before
    const queue = (name: string) => {
      const cursors = writers.map(({ writer, seq, cursors }) => [writer, cursors[name] ?? seq]);
      return new DeliveryQueue(name, new Map(cursors as [number, number][]), {
        ...options,
        storage: {
          park: (rows) => storage.park(epoch, rows),
          endDeliveries: (ids, letters) => storage.endDeliveries(epoch, ids, letters),
        },
        source,
      });
    };
    const names = [...new Set(Object.values(destinations))];
    this.#queues = new Map(names.map((name) => [name, queue(name)]));
    const isNew = (name: string) => writers.every(({ cursors }) => cursors[name] === undefined);
    this.#new = new Set(names.filter(isNew));
  }

  /** Stores where new destinations begin, and looks for what is parked. Before the first turn. */
  async start(): Promise<void> {
    for (const queue of this.#queues.values()) await queue.start();
    await this.#save();
  }

  /** Takes the effects of a commit. @param withdrawn ids that a later turn has made pointless */
  add(
    { writer, seq }: { writer: number; seq: number },
    deliveries: readonly LogDelivery[],
    withdrawn: readonly string[],
  ): void {
    this.#heads.set(writer, seq);
    for (const [name, queue] of this.#queues) {
      queue.withdraw(withdrawn);
      const ours = deliveries.filter(({ row }) => row.destination === name);
      queue.add({ writer, seq, deliveries: ours });
      queue.kick();
    }
    this.#saveSoon();
  }

  /** How far this writer's readers have come, for its next commit; null: as is stored. */
  cursorsOf(writer: number): Cursors | null {
    const saved = this.#saved.get(writer) ?? {};
    const now: Record<string, number> = {};
    let isNew = false;
    for (const [name, queue] of this.#queues) {
      const cursor = queue.cursor(writer);
      now[name] = cursor;
      if (saved[name] !== cursor) isNew = true;
    }
    // Destinations that are not declared at present keep theirs
    return isNew ? { ...saved, ...now } : null;
  }

  /** A commit has stored them. */
  saved(writer: number, cursors: Cursors): void {
    this.#saved.set(writer, cursors);
  }

  /** Whether a command from before this engine has been taken by its destination. False: not yet, or not known. */
  hasSent(id: string): boolean {
    const name = this.#options.destinations.command;
    if (name === undefined || this.#new.has(name)) return false;
    return this.#queues.get(name)?.isThrough(id) ?? false;
  }

  /** Whether the store may have a row of this delivery. */
  mayHaveParked(id: string): boolean {
    for (const queue of this.#queues.values()) if (queue.mayHaveParked(id)) return true;
    return false;
  }

  attach(sink: Sink): Disposable {
    const queue = this.#queues.get(sink.name);
    if (!queue) {
      throw new EngineError('bad-input', `no destination "${sink.name}" was declared`, {
        hint: `Declare it in EngineOptions.destinations; declared are: ${[...this.#queues.keys()].join(', ')}.`,
      });
    }
    queue.attach(sink);
    return { [Symbol.dispose]: () => queue.detach(sink) };
  }

  /** The destination may have become able to deliver: to these twins, or (null) as a whole. */
  wake(name: string, twins: readonly Address[] | null): void {
    this.#queues.get(name)?.wake(twins);
  }

  /** What belonged to a deleted twin, or to all twins of a deleted home, goes nowhere any more. */
  forget(deleted: { home: string; twin?: string }): void {
    for (const queue of this.#queues.values()) queue.forget(deleted);
  }

  /** Whether these have gone is not known: the store is asked before anything more of theirs is delivered. */
  recheck(twins: { home: string; twin?: string }): void {
    for (const queue of this.#queues.values()) queue.recheck(twins);
  }

  /** Reads again what is parked, for rows that were parked behind its back. */
  reload(): void {
    for (const queue of this.#queues.values()) queue.reload();
  }

  waiting(): Record<string, number> {
    return Object.fromEntries([...this.#queues].map(([name, queue]) => [name, queue.depth]));
  }

  /** The position up to which every destination has everything. */
  lowestCursor(): number {
    const cursors = [...this.#queues.values()].flatMap((queue) =>
      [...this.#heads].map(([writer, head]) => {
        const cursor = queue.cursor(writer);
        return cursor === head ? Number.MAX_SAFE_INTEGER : cursor;
      }),
    );
    return Math.min(Number.MAX_SAFE_INTEGER, ...cursors);
  }

  /** Positions that each destination is behind what is committed, at most of all writers. */
  lag(): Record<string, number> {
    const lagOf = (queue: DeliveryQueue) =>
      Math.max(0, ...[...this.#heads].map(([writer, head]) => head - queue.cursor(writer)));
    return Object.fromEntries([...this.#queues].map(([name, queue]) => [name, lagOf(queue)]));
  }

  /** Effects that are not delivered, as far as memory knows of them; and when the oldest was asked for. */
  async undelivered(): Promise<{ depth: number; oldestAt: number | null }> {
    const parked = await this.#options.storage.parkedStats();
    const all = [parked, ...[...this.#queues.values()].map((queue) => queue.unparked())];
    const moments = all.flatMap(({ oldestAt }) => (oldestAt === null ? [] : [oldestAt]));
    return {
      depth: all.reduce((sum, { depth }) => sum + depth, 0),
      oldestAt: moments.length > 0 ? Math.min(...moments) : null,
    };
  }

  get isIdle(): boolean {
    return [...this.#queues.values()].every((queue) => queue.isIdle);
  }

  /** Resolves when nothing can be delivered now: all is delivered, or waits for its destination. */
  async idle(): Promise<void> {
    await Promise.all([...this.#queues.values()].map((queue) => queue.idle()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#saving?.[Symbol.dispose]();
    await Promise.all([...this.#queues.values()].map((queue) => queue.close()));
    await this.#save();
  }

  /** A cursor has still to move, or to be stored. */
  get #isUnderWay(): boolean {
    for (const [writer, head] of this.#heads) {
      if (this.cursorsOf(writer) !== null) return true;
      for (const queue of this.#queues.values()) if (queue.cursor(writer) < head) return true;
    }
    return false;
  }

  #saveSoon(): void {
    this.#saving ??= this.#options.clock.delay(SAVE_AFTER_MS, () => {
      this.#saving = null;
      for (const queue of this.#queues.values()) queue.parkSlow();
      void this.#save().then(() => {
        if (!this.#closed && this.#isUnderWay) this.#saveSoon();
      });
    });
  }

  /** What no commit has taken along. A failure costs a second delivery after a crash, no more. */
  async #save(): Promise<void> {
    const moved = new Map<number, Cursors>();
    for (const writer of this.#heads.keys()) {
      const cursors = this.cursorsOf(writer);
      if (cursors) moved.set(writer, cursors);
    }
    if (moved.size === 0) return;
    try {
      await this.#options.storage.saveCursors(this.#epoch, moved);
      for (const [writer, cursors] of moved) this.saved(writer, cursors);
    } catch (error) {
      this.#options.telemetry.emit('background.failed', { task: 'saving cursors', error });
    }
  }
}
