import { backoffMs } from './backoff.ts';
import { type BatchContext, type FoldedBatch, foldBatch, foldInSlices } from './batch.ts';
import { WIDE_TURNS } from './cascade.ts';
import type { Clock } from './clock.ts';
import type { Address, Envelope, Receipt } from './envelope.ts';
import { EngineError, messageOf } from './errors.ts';
import { HotTwins } from './hot-twins.ts';
import type { HouseholdSource } from './household.ts';
import { deadLetter } from './ledger.ts';
import { homeOf, type Mail, Mailbox } from './mailbox.ts';
import type { Commit, Storage } from './storage/port.ts';
import type { EngineTelemetry } from './telemetry.ts';
import { HomeWatches, WATCHES } from './watching.ts';

export interface ShardOptions {
  index: number;
  storage: Storage;
  clock: Clock;
  telemetry: EngineTelemetry;
  context: Omit<BatchContext, keyof Omit<HouseholdSource, 'kinds'>>;
  mailboxLimit: number;
  telemetryBudget: number;
  batchLimit: number;
  hotTwins: number;
  foldable: (envelope: Envelope) => boolean;
  random: () => number;
  /** Called after each commit, before the next batch: deeds may follow now. */
  onCommitted: (batch: FoldedBatch) => void;
  /** Another engine has taken over: nothing more can be stored. */
  onFenced: (error: EngineError) => void;
}

const RETRY = { baseMs: 50, capMs: 5_000 };
/** Turns of a home that is set aside between two batches of the others. */
const SLICE_TURNS = 24;
/** How many times as long as a slice took others have before the next, while there are others. */
const REST = 3;
/** For how long others count as there after their last mail, ms. */
const OTHERS_MS = 100;
/** Turns that one commit of such a home is meant to hold: others wait while it is stored. */
const COMMIT_TURNS = 256;

/** A batch of a home that is set aside, folded in part. */
interface Apart {
  home: string;
  mail: Mail[];
  began: number;
  fold: AsyncGenerator<undefined, FoldedBatch>;
}

/**
 * The single writer of a set of homes: takes mail, folds it into a batch, commits, settles, and
 * begins again. A twin is in one batch at a time, so it has one turn at a time. A home in which one event
 * leads to much (rules that set each other off) is set aside: it has batches of its own, folded a slice at
 * a time between those of the others.
 */
export class Shard {
  readonly #options: ShardOptions;
  readonly #mailbox: Mailbox;
  readonly #hot: HotTwins;
  /** Who watches whom, by home; bounded like the twins. */
  readonly #watches = new Map<string, HomeWatches>();
  #epoch = 0;
  #seq = 0;
  #running = false;
  #apart: Apart | null = null;
  /** When the next slice may be, and when mail of other homes last came (as `performance.now()`). */
  #restsUntil = 0;
  #othersAt = 0;
  #nudge: (() => void) | null = null;
  #stopped: EngineError | null = null;
  #failing: string | null = null;
  #idleWanted: (() => void)[] = [];
  #retryNow: (() => void) | null = null;

  constructor(options: ShardOptions) {
    this.#options = options;
    this.#hot = new HotTwins(options.hotTwins);
    this.#mailbox = new Mailbox({
      limit: options.mailboxLimit,
      telemetryBudget: options.telemetryBudget,
      foldable: options.foldable,
    });
  }

  get depth(): number {
    return this.#mailbox.depth;
  }
  get hotTwins(): number {
    return this.#hot.size;
  }
  /** What keeps the present batch from its commit; null when nothing does. */
  get failing(): string | null {
    return this.#failing;
  }

  /** From now on batches are committed under this epoch. */
  start(epoch: number): void {
    this.#epoch = epoch;
    this.#kick();
  }

  /** @throws EngineError `overloaded`, `stopping` */
  post(envelope: Envelope): Promise<Receipt> {
    return new Promise((resolve, reject) => {
      if (this.#stopped) throw this.#stopped;
      this.#mailbox.post(envelope, { resolve, reject });
      this.#kick();
    });
  }

  async hasRoom(): Promise<void> {
    if (this.#stopped) throw this.#stopped;
    await this.#mailbox.hasRoom();
  }

  wake(address: Address): void {
    if (this.#stopped) return;
    this.#mailbox.push({ type: 'wake', address });
    this.#kick();
  }

  /** Runs between two batches of a home, in the order of its mail; for what must not meet a batch of the same twins. */
  exclusively<T>(home: string, run: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#stopped) throw this.#stopped;
      this.#mailbox.push({ type: 'task', home, run: () => run().then(resolve, reject) });
      this.#kick();
    });
  }

  forget(address: Address): void {
    this.#hot.drop(address);
  }
  forgetHome(home: string): void {
    this.#hot.dropHome(home);
    this.#watches.delete(home);
  }

  get isIdle(): boolean {
    return !this.#running && !this.#hasWork;
  }

  get #hasWork(): boolean {
    return !this.#mailbox.isEmpty || !this.#mailbox.isAsideEmpty || this.#apart !== null;
  }

  /** Resolves when nothing waits and nothing is under way. */
  async idle(): Promise<void> {
    while (!this.isIdle) {
      await new Promise<void>((resolve) => this.#idleWanted.push(resolve));
    }
  }

  /** Refuses new mail; what waits is refused too when the store does not take it any more. */
  stop(reason: EngineError): void {
    this.#stopped = reason;
    this.#retryNow?.();
  }

  #kick(): void {
    this.#nudge?.();
    if (this.#running || this.#epoch === 0 || !this.#hasWork) return;
    this.#running = true;
    // The next tick: everything that arrives in this one makes one batch
    setImmediate(() => void this.#run());
  }

  async #run(): Promise<void> {
    while (this.#hasWork) {
      const mail = this.#mailbox.drain(this.#options.batchLimit);
      const [first] = mail;
      try {
        if (first?.type === 'task') await first.run();
        else if (mail.length > 0) {
          await this.#batch(mail);
          this.#othersAt = performance.now();
        }
      } catch (error) {
        this.#refuse(mail, error);
      }
      if (this.#restMs() === 0) await this.#slice();
      if (this.#hasWork) await this.#pause(this.#mailbox.isEmpty ? this.#restMs() : 0);
    }
    this.#running = false;
    const wanted = this.#idleWanted;
    this.#idleWanted = [];
    for (const resolve of wanted) resolve();
  }

  /** How long a home that is set aside still has to wait for its next slice. */
  #restMs(): number {
    const now = performance.now();
    return now - this.#othersAt > OTHERS_MS ? 0 : Math.max(0, this.#restsUntil - now);
  }

  /** Lets everyone else have the process: a store that answers at once would keep them waiting until all is done. */
  async #pause(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      if (ms === 0) {
        setImmediate(resolve);
        return;
      }
      const timer = setTimeout(resolve, ms);
      this.#nudge = () => {
        clearTimeout(timer);
        setImmediate(resolve);
      };
    });
    this.#nudge = null;
  }

  async #batch(mail: readonly Mail[]): Promise<void> {
    const began = performance.now();
    const folded = await this.#untilStored(() =>
      foldBatch(this.#context(), mail, this.#options.clock.now()),
    );
    if ('rows' in folded) return this.#store(folded, mail, began);
    for (const home of folded.wide) {
      this.#mailbox.setAside(
        home,
        mail.filter((one) => homeOf(one) === home),
      );
    }
    const others = mail.filter((one) => !folded.wide.has(homeOf(one)));
    if (others.length > 0) await this.#batch(others);
  }

  /** Goes on with a home that is set aside, and stores its batch when that is folded. */
  async #slice(): Promise<void> {
    this.#apart ??= this.#beginApart();
    const apart = this.#apart;
    if (!apart) return;
    const { home, mail, began } = apart;
    const from = performance.now();
    const [first] = mail;
    try {
      if (first?.type === 'task') {
        await first.run();
        this.#apart = null;
        return;
      }
      const { done, value } = await this.#untilStored(() => this.#foldOn(apart));
      // Of a store that was away, others had nothing either
      const tookMs = Math.min(performance.now() - from, OTHERS_MS);
      this.#restsUntil = performance.now() + REST * tookMs;
      if (!done) return;
      this.#mailbox.charge(home, value.turns / mail.length);
      if (value.widest <= WIDE_TURNS) this.#mailbox.rejoinIfEmpty(home);
      await this.#store(value, mail, began);
    } catch (error) {
      this.#refuse(mail, error);
    }
    this.#apart = null;
  }

  #beginApart(): Apart | null {
    const drained = this.#mailbox.drainAside(COMMIT_TURNS);
    return drained && { ...drained, began: performance.now(), fold: this.#foldApart(drained.mail) };
  }

  #foldApart(mail: readonly Mail[], slice = SLICE_TURNS): AsyncGenerator<undefined, FoldedBatch> {
    return foldInSlices(this.#context(), mail, this.#options.clock.now(), slice);
  }

  async #foldOn(apart: Apart): Promise<IteratorResult<undefined, FoldedBatch>> {
    try {
      return await apart.fold.next();
    } catch (error) {
      // What has thrown has ended: another try begins anew
      apart.fold = this.#foldApart(apart.mail);
      throw error;
    }
  }

  #context(): BatchContext {
    const { storage, context } = this.#options;
    return {
      ...context,
      hot: (key) => this.#hot.get(key),
      load: (addresses) => storage.load(addresses),
      getHome: (id) => storage.getHome(id),
      hotWatches: (home) => this.#watches.get(home),
      loadWatches: (homes) => this.#loadWatches(homes),
    };
  }

  async #store(folded: FoldedBatch, mail: readonly Mail[], began: number): Promise<void> {
    const { telemetry, index, storage } = this.#options;
    const foldedAt = performance.now();
    if (folded.changed) {
      const commit: Commit = {
        ...folded.rows,
        shard: index,
        epoch: this.#epoch,
        seq: this.#seq + 1,
      };
      try {
        await this.#untilStored(() => storage.commit(commit));
      } catch (error) {
        if (error instanceof EngineError && (error.code === 'fenced' || error.retryable))
          throw error;
        await this.#singly(mail, error);
        return;
      }
      this.#seq++;
    }
    for (const twin of folded.twins) this.#hot.put(twin);
    for (const { home, watches } of folded.watches) this.#keepWatches(home, watches);
    for (const { waiting, receipt } of folded.receipts) {
      for (const { resolve } of waiting) resolve(receipt);
    }
    this.#options.onCommitted(folded);
    telemetry.emit('batch.committed', {
      shard: index,
      envelopes: folded.receipts.length,
      turns: folded.turns,
      foldMs: foldedAt - began,
      commitMs: performance.now() - foldedAt,
    });
  }

  async #loadWatches(homes: readonly string[]): Promise<Map<string, HomeWatches>> {
    const rows = await this.#options.storage.listRelations(homes, WATCHES);
    const found = new Map(homes.map((home) => [home, HomeWatches.none]));
    for (const { home, twin, targets } of rows) {
      found.set(home, (found.get(home) ?? HomeWatches.none).with(twin, targets));
    }
    return found;
  }

  #keepWatches(home: string, watches: HomeWatches): void {
    this.#watches.delete(home);
    this.#watches.set(home, watches);
    if (this.#watches.size <= this.#options.hotTwins) return;
    for (const oldest of this.#watches.keys()) {
      this.#watches.delete(oldest);
      break;
    }
  }

  /** Repeats while the store is away: what waits is unacknowledged, so nothing is lost meanwhile. */
  async #untilStored<T>(attempt: () => Promise<T>): Promise<T> {
    for (let attempts = 1; ; attempts++) {
      try {
        const result = await attempt();
        this.#failing = null;
        return result;
      } catch (error) {
        if (!(error instanceof EngineError && error.retryable) || this.#stopped) {
          this.#failing = null;
          throw error;
        }
        this.#failing = error.message;
        const { index, telemetry, clock, random } = this.#options;
        telemetry.emit('commit.retried', { shard: index, attempt: attempts, error: error.message });
        const wait = backoffMs(attempts, RETRY, random());
        await new Promise<void>((resolve) => {
          const alarm = clock.delay(wait, resolve);
          this.#retryNow = () => {
            alarm[Symbol.dispose]();
            resolve();
          };
        });
        this.#retryNow = null;
      }
    }
  }

  /**
   * The store refuses this batch for good, so something in it cannot be stored. Each mail gets a
   * batch of its own: one poisoned event must not take its neighbours with it.
   */
  async #singly(mail: readonly Mail[], error: unknown): Promise<void> {
    if (mail.length > 1) {
      for (const one of mail) {
        const began = performance.now();
        const { value } = await this.#untilStored(() =>
          this.#foldApart([one], Number.POSITIVE_INFINITY).next(),
        );
        if (value) await this.#store(value, [one], began);
      }
      return;
    }
    const [only] = mail;
    if (only?.type !== 'envelope') throw error;
    const { context, storage, clock, telemetry } = this.#options;
    const refusal = new EngineError('bad-input', `cannot be stored: ${messageOf(error)}`, {
      hint: 'Look for characters that the database refuses, such as NUL.',
      cause: error,
    });
    if (!only.envelope.kept) {
      const event = { type: only.envelope.event.type, json: printable(only.envelope) };
      const letter = deadLetter(
        context.newId(),
        { ...only.envelope, event, id: printable(only.envelope.id) },
        refusal,
        clock.now(),
      );
      try {
        await storage.insertDeadLetters([letter]);
      } catch (lost) {
        telemetry.emit('dead-letter.lost', { code: refusal.code, error: messageOf(lost) });
      }
    }
    const receipt: Receipt = { status: 'rejected', code: refusal.code, reason: refusal.message };
    for (const { resolve } of only.waiting) resolve(receipt);
  }

  #refuse(mail: readonly Mail[], thrown: unknown): void {
    const error =
      thrown instanceof EngineError
        ? thrown
        : new EngineError('storage-unavailable', messageOf(thrown), { cause: thrown });
    if (error.code === 'fenced') {
      this.#stopped ??= error;
      this.#options.onFenced(error);
    }
    for (const m of mail) {
      if (m.type === 'envelope') for (const { reject } of m.waiting) reject(error);
    }
    this.#options.telemetry.emit('background.failed', {
      task: `shard ${this.#options.index}`,
      error,
    });
  }
}

function printable(value: unknown): string {
  return JSON.stringify(value).replaceAll('\\u0000', '\\\\u0000');
}
