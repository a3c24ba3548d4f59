import { setTimeout as sleep } from 'node:timers/promises';
import { foldBatch } from '../batch/batch.ts';
import { NOISY_TURNS } from '../batch/cascade.ts';
import type { BatchContext } from '../batch/folding.ts';
import { HomeCosts } from '../batch/home-costs.ts';
import type { Mail } from '../batch/mail.ts';
import type { WorkingSetSource } from '../batch/working-set.ts';
import type { Clock } from '../model/clock.ts';
import type { Address, Envelope, Receipt } from '../model/envelope.ts';
import type { EngineError } from '../model/errors.ts';
import type { EngineTelemetry } from '../model/telemetry.ts';
import type { Storage } from '../storage/port.ts';
import { Loop } from './loop.ts';
import { homeOf, Mailbox } from './mailbox.ts';
import { ShardCache } from './shard-cache.ts';
import { Writer, type WriterOptions } from './writer.ts';

/** When a home that is not isolated last had a batch, in any shard (as `performance.now()`). */
export interface Traffic {
  lastAt: number;
}

export interface ShardOptions
  extends Pick<WriterOptions, 'random' | 'log' | 'onCommitted' | 'onFenced'> {
  index: number;
  storage: Storage;
  clock: Clock;
  telemetry: EngineTelemetry;
  traffic: Traffic;
  context: Omit<
    BatchContext,
    'costs' | 'journalDays' | keyof Omit<WorkingSetSource, 'kinds' | 'quotas'>
  >;
  mailboxLimit: number;
  telemetryBudget: number;
  batchLimit: number;
  hotTwins: number;
  foldable: (envelope: Envelope) => boolean;
}

/** Sequences of commits that a shard has in the store: one for homes that are isolated. */
export const WRITERS_PER_SHARD = 2;

/**
 * For how long a home stays isolated after much has followed from one of its mails: to find that out anew
 * costs the others a batch that is folded in vain.
 */
const ASIDE_MS = 60_000;
/** Turns of a home that is isolated, after which the others have the process. */
const SLICE_TURNS = 12;
/** How many times as long as a slice took they have it, while there are others. */
const REST = 7;
/** How long others count as there after their last batch, ms. */
const OTHERS_MS = 100;
/** Turns that one commit of such a home is meant to hold. */
const COMMIT_TURNS = 256;

/**
 * The single writer of a set of homes: takes mail, folds it into a batch, commits, settles, and
 * begins again. A twin is in one batch at a time, so it has one turn at a time. A home in which one event
 * leads to much (rules that set each other off) is isolated: it is in batches of its own, folded a slice at
 * a time and stored by a writer of their own, beside those of the others.
 */
export class Shard {
  readonly #options: ShardOptions;
  readonly #context: BatchContext;
  readonly #mailbox: Mailbox;
  readonly #memory: ShardCache;
  readonly #writer: Writer;
  readonly #isolatedWriter: Writer;
  readonly #loops: readonly Loop[];
  #started = false;
  #epoch = 0;
  #stopped: EngineError | null = null;
  #idleWanted: (() => void)[] = [];

  constructor(options: ShardOptions) {
    const { index, storage, clock, telemetry, random, log, onCommitted } = options;
    this.#options = options;
    this.#mailbox = new Mailbox({
      limit: options.mailboxLimit,
      telemetryBudget: options.telemetryBudget,
      foldable: options.foldable,
    });
    const memory = new ShardCache(storage, options.hotTwins);
    const { source, journalDays } = memory;
    const context = {
      costs: new HomeCosts(),
      ...options.context,
      ...source,
      journalDays,
      epoch: () => this.#epoch,
    };
    this.#memory = memory;
    this.#context = context;
    const onFenced = (error: EngineError) => {
      if (!this.#stopped) this.stop(error);
      options.onFenced(error);
    };
    const shared = { shard: index, storage, clock, telemetry, context, memory, random, log };
    const first = index * WRITERS_PER_SHARD;
    this.#writer = new Writer({ ...shared, index: first, onCommitted, onFenced });
    this.#isolatedWriter = new Writer({ ...shared, index: first + 1, onCommitted, onFenced });
    this.#loops = [
      new Loop(
        () => !this.#mailbox.isEmpty,
        () => this.#step(),
        () => this.#tellIdle(),
      ),
      new Loop(
        () => !this.#mailbox.isIsolatedEmpty,
        () => this.#stepIsolated(),
        () => this.#tellIdle(),
      ),
    ];
  }

  get depth(): number {
    return this.#mailbox.depth;
  }
  get hotTwins(): number {
    return this.#memory.hotTwins;
  }
  /** What keeps the present batch from its commit; null when nothing does. */
  get failing(): string | null {
    return this.#writer.failing ?? this.#isolatedWriter.failing;
  }

  /** Commits batches under this epoch from now on. */
  start(epoch: number): void {
    this.#epoch = epoch;
    this.#writer.start(epoch);
    this.#isolatedWriter.start(epoch);
    this.#started = true;
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

  /** Bytes that a home has added to its journal today. */
  journalBytes(home: string): number {
    return this.#memory.journalDays.usedBy(home, this.#options.clock.now());
  }

  forget(address: Address): void {
    this.#memory.forget(address);
  }
  forgetHome(home: string): void {
    this.#memory.forgetHome(home);
  }

  get isIdle(): boolean {
    return this.#loops.every(({ isIdle }) => isIdle);
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
    this.#writer.stop();
    this.#isolatedWriter.stop();
  }

  #kick(): void {
    if (!this.#started) return;
    for (const loop of this.#loops) loop.kick();
  }

  #tellIdle(): void {
    const wanted = this.#idleWanted;
    this.#idleWanted = [];
    for (const resolve of wanted) resolve();
  }

  async #step(): Promise<void> {
    const mail = this.#mailbox.drain(this.#options.batchLimit);
    const [first] = mail;
    try {
      if (first?.type === 'task') await first.run();
      else await this.#batch(mail);
    } catch (error) {
      this.#writer.refuse(mail, error);
    }
    this.#options.traffic.lastAt = performance.now();
  }

  async #batch(mail: readonly Mail[]): Promise<void> {
    const began = performance.now();
    const folded = await this.#writer.untilStored(() =>
      foldBatch(this.#context, mail, this.#options.clock.now()),
    );
    if ('rows' in folded) return this.#writer.store(folded, mail, began);
    for (const home of folded.noisy) {
      this.#mailbox.isolate(
        home,
        mail.filter((one) => homeOf(one) === home),
        this.#options.clock.now() + ASIDE_MS,
      );
    }
    this.#kick();
    const others = mail.filter((one) => !folded.noisy.has(homeOf(one)));
    if (others.length > 0) await this.#batch(others);
  }

  async #stepIsolated(): Promise<void> {
    const drained = this.#mailbox.drainIsolated(COMMIT_TURNS);
    if (!drained) return;
    const { home, mail } = drained;
    const [first] = mail;
    try {
      if (first?.type === 'task') await first.run();
      else await this.#batchIsolated(home, mail);
    } catch (error) {
      this.#isolatedWriter.refuse(mail, error);
    }
  }

  async #batchIsolated(home: string, mail: readonly Mail[]): Promise<void> {
    const began = performance.now();
    const folded = await this.#isolatedWriter.fold(mail, SLICE_TURNS, (ms) => this.#rest(ms));
    const now = this.#options.clock.now();
    const isHeavy = folded.longestCascade > NOISY_TURNS || this.#context.costs.isOver(home);
    const until = isHeavy ? now + ASIDE_MS : null;
    this.#mailbox.charge(home, folded.turns / mail.length, until);
    const from = performance.now();
    await this.#isolatedWriter.store(folded, mail, began, () => this.#mailbox.rejoin(home, now));
    await this.#rest(performance.now() - from);
  }

  /** @param tookMs the time that others had to wait for */
  async #rest(tookMs: number): Promise<void> {
    const isAlone = performance.now() - this.#options.traffic.lastAt > OTHERS_MS;
    // Of a store that was away, others had nothing either
    await sleep(isAlone ? 0 : REST * Math.min(tookMs, OTHERS_MS));
  }
}
