import { setImmediate as nextTick } from 'node:timers/promises';
import { foldInSlices } from '../batch/batch.ts';
import { deadLetter, type Rows } from '../batch/commit-builder.ts';
import type { BatchContext, FoldedBatch } from '../batch/folding.ts';
import type { Mail } from '../batch/mail.ts';
import { backoffMs } from '../model/backoff.ts';
import type { Clock } from '../model/clock.ts';
import type { Receipt } from '../model/envelope.ts';
import { EngineError, messageOf } from '../model/errors.ts';
import type { EngineTelemetry } from '../model/telemetry.ts';
import type { Send } from '../outbox/sends.ts';
import { shown } from '../outbox/sends.ts';
import type { Commit, Cursors, Storage } from '../storage/port.ts';
import type { ShardCache } from './shard-cache.ts';

export interface WriterOptions {
  /** Its row in the store's fence. */
  index: number;
  /** The shard that it writes for, in signals. */
  shard: number;
  storage: Storage;
  clock: Clock;
  telemetry: EngineTelemetry;
  context: BatchContext;
  memory: ShardCache;
  random: () => number;
  log: LogEnd;
  /** Called after each commit, before the next batch: deeds may follow now. */
  onCommitted: (batch: FoldedBatch, commit: Commit | null) => void;
  /** Another engine has taken over: nothing more can be stored. */
  onFenced: (error: EngineError) => void;
}

/** Where commits get their place in the log, and what they take along for its readers. */
export interface LogEnd {
  /** Takes the next positions. @returns the last */
  take(positions: number): number;
  /** The commit that took positions up to this one will never be stored. */
  refused(position: number): void;
  sendOf(intent: string): Send;
  /** Whether the store may have a row of this delivery. */
  mayHaveParked(id: string): boolean;
  /** See `Outbox.cursorsOf`. */
  cursorsOf(writer: number): Cursors | null;
  saved(writer: number, cursors: Cursors): void;
}

const RETRY = { baseMs: 50, capMs: 5_000 };

/**
 * A sequence of commits, one at a time: stores what a batch came to, waits while the store is away, remembers
 * and answers afterwards, and finds the one event that the store refuses for good.
 */
export class Writer {
  readonly #options: WriterOptions;
  #epoch = 0;
  #stopped = false;
  #failing: string | null = null;
  #retryNow: (() => void) | null = null;

  constructor(options: WriterOptions) {
    this.#options = options;
  }

  /** What keeps the present batch from its commit; null when nothing does. */
  get failing(): string | null {
    return this.#failing;
  }

  /** Commits batches under this epoch from now on. */
  start(epoch: number): void {
    this.#epoch = epoch;
  }

  /** What the store does not take any more is refused, not tried again. */
  stop(): void {
    this.#stopped = true;
    this.#retryNow?.();
  }

  /** Repeats while the store is away: what waits is unacknowledged, so nothing is lost meanwhile. */
  async untilStored<T>(attempt: () => Promise<T>): Promise<T> {
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
        const { shard, telemetry, clock, random } = this.#options;
        telemetry.emit('commit.retried', { shard, attempt: attempts, error: error.message });
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
   * Folds mail of one home in slices of about so many turns.
   * @param rest called after each slice: others have the process meanwhile
   */
  async fold(
    mail: readonly Mail[],
    turns: number,
    rest: (tookMs: number) => Promise<void>,
  ): Promise<FoldedBatch> {
    const { context, clock } = this.#options;
    const begin = () => foldInSlices(context, mail, clock.now(), turns);
    let slices = begin();
    for (;;) {
      const from = performance.now();
      const { done, value } = await this.untilStored(() =>
        slices.next().catch((error: unknown) => {
          // What has thrown has ended: another try begins anew
          slices = begin();
          throw error;
        }),
      );
      await rest(performance.now() - from);
      if (done) return value;
    }
  }

  /**
   * @param began when the batch was begun (as `performance.now()`)
   * @param beforeAnswers called once all of it is stored, before anyone knows and sends the next
   */
  async store(
    folded: FoldedBatch,
    mail: readonly Mail[],
    began: number,
    beforeAnswers?: () => void,
  ): Promise<void> {
    const { telemetry, shard, storage, memory } = this.#options;
    const foldedAt = performance.now();
    const commit = folded.changed ? this.#commitOf(folded.rows) : null;
    if (commit) {
      try {
        await this.untilStored(() => storage.commit(commit));
      } catch (error) {
        if (isLost(error)) throw error;
        this.#options.log.refused(commit.seq);
        await this.#singly(mail, error);
        return;
      }
      const { writer, cursors } = commit;
      if (cursors) this.#options.log.saved(writer, cursors);
    }
    memory.keep(folded);
    beforeAnswers?.();
    for (const { waiting, receipt } of folded.receipts) {
      for (const { resolve } of waiting) resolve(receipt);
    }
    this.#options.onCommitted(folded, commit);
    telemetry.emit('batch.committed', {
      shard,
      envelopes: folded.receipts.length,
      turns: folded.turns,
      foldMs: foldedAt - began,
      commitMs: performance.now() - foldedAt,
    });
  }

  /** Gives the rows their place in the log. */
  #commitOf(rows: Rows): Commit {
    const { log, index: writer } = this.#options;
    const { journal, intents, withdrawn } = rows;
    const seq = log.take(Math.max(1, journal.length));
    let place = seq - journal.length;
    // Whoever sends what a turn leads to finds the place in the turn's row
    for (const row of journal) {
      row.writer = writer;
      row.seq = ++place;
    }
    return {
      ...rows,
      ...{ writer, seq, epoch: this.#epoch, cursors: log.cursorsOf(writer) },
      intents: intents.map((intent) => shown(intent, log.sendOf(intent.id))),
      withdrawn: withdrawn.filter((id) => log.mayHaveParked(id)),
    };
  }

  /** Tells everyone whose mail this is that it has come to nothing. */
  refuse(mail: readonly Mail[], thrown: unknown): void {
    const error =
      thrown instanceof EngineError
        ? thrown
        : new EngineError('storage-unavailable', messageOf(thrown), { cause: thrown });
    if (error.code === 'fenced') this.#options.onFenced(error);
    for (const m of mail) {
      if (m.type === 'envelope') for (const { reject } of m.waiting) reject(error);
    }
    const task = `shard ${this.#options.shard}`;
    this.#options.telemetry.emit('background.failed', { task, error });
  }

  /**
   * The store refuses this batch for good, so something in it cannot be stored. Each mail gets a
   * batch of its own: one poisoned event must not take its neighbours with it.
   */
  async #singly(mail: readonly Mail[], error: unknown): Promise<void> {
    const { context, storage, clock, telemetry } = this.#options;
    if (mail.length > 1) {
      for (const one of mail) await this.#alone(one);
      return;
    }
    const [only] = mail;
    if (only?.type !== 'envelope') throw error;
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

  async #alone(one: Mail): Promise<void> {
    const began = performance.now();
    try {
      const folded = await this.fold([one], Number.POSITIVE_INFINITY, () => nextTick());
      await this.store(folded, [one], began);
    } catch (error) {
      // Of a store that takes nothing more the others are told at once
      if (isLost(error)) throw error;
      this.refuse([one], error);
    }
  }
}

/** Whether the store takes nothing more from this engine. */
function isLost(error: unknown): boolean {
  return error instanceof EngineError && (error.code === 'fenced' || error.retryable);
}

function printable(value: unknown): string {
  return JSON.stringify(value).replaceAll('\\u0000', '\\\\u0000');
}
