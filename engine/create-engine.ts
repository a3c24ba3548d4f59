/** Wires the engine together; each part stands in a file of its own. */
import type { FoldedBatch } from './batch/folding.ts';
import { Quotas } from './batch/quotas.ts';
import { ChangeFeed } from './log/change-feed.ts';
import { Horizon } from './log/horizon.ts';
import { readPastChanges } from './log/past-changes.ts';
import { Projections } from './log/projections/projections.ts';
import { EngineError } from './model/errors.ts';
import type { AnyKind } from './model/kind.ts';
import { assertTimezone } from './model/local-time.ts';
import { lifeOf, turnOfId } from './model/turn-ids.ts';
import { Outbox } from './outbox/outbox.ts';
import { NOT_YET, SENT_BEFORE, type Send, Sends, sendOfRow } from './outbox/sends.ts';
import { CommandNews } from './services/command-news.ts';
import type { Core } from './services/core.ts';
import { deadLetterService } from './services/dead-letter-service.ts';
import type { Engine } from './services/engine.ts';
import type { Beginning, EngineOptions, Limits } from './services/engine-options.ts';
import { homeService } from './services/home-service.ts';
import { inboundService } from './services/inbound-service.ts';
import { intentService } from './services/intent-service.ts';
import { Maintenance } from './services/maintenance.ts';
import { steeringService } from './services/steering-service.ts';
import { twinService } from './services/twin-service.ts';
import { Shard, WRITERS_PER_SHARD } from './shard/shard.ts';
import { WakeQueue } from './shard/wake-queue.ts';
import type { Commit, Lease } from './storage/port.ts';
import { isFoldable } from './turn/foldable.ts';

const DEFAULT_LIMITS: Limits = {
  mailbox: 20_000,
  batch: 2_000,
  hotTwins: 50_000,
  telemetryBudget: 1_000,
  checkpointEvery: 500,
  stateBytes: 256 * 1024,
};
const DEFAULT_TAKEOVER_WAIT_MS = 15_000;
const DRAIN_MS = 6_000;
const TWINS_COUNTED_FOR_MS = 60_000;
const SETTLE_MS = 2_000;
/** How long no event has come when nobody is in the way of work in the background. */
const QUIET_MS = 200;
/** What an epoch lies above the one before it, at most. */
const EPOCH_STEP = 2 ** 24;

/**
 * Claims the homes of the store and starts turning their twins.
 * @throws EngineError `owned-elsewhere` when another engine holds them, `kind-invalid`, `bad-input`
 *   for the timezone, `storage-unavailable`
 */
export async function createEngine(options: EngineOptions): Promise<Engine> {
  const { storage, clock, telemetry, newId, destinations, defaultTimezone, owner } = options;
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const random = options.random ?? Math.random;
  const quotas = new Quotas(options.quotas);
  const kinds = byName(options.kinds);
  assertTimezone(defaultTimezone);
  let lost: EngineError | null = null;
  let stopping: Promise<void> | null = null;
  let counted: { twins: number; at: number } | null = null;

  // ── the parts ──────────────────────────────────────────────────────────────────────────────

  const traffic = { lastAt: Number.NEGATIVE_INFINITY };
  /** Known before the first turn. */
  const heldBack = new Set<string>();
  const sends = new Sends();
  const shards = Array.from(
    { length: storage.shards },
    (_, index) =>
      new Shard({
        index,
        storage,
        clock,
        telemetry,
        traffic,
        random,
        context: {
          kinds,
          destinations,
          defaultTimezone,
          newId,
          checkpointEvery: limits.checkpointEvery,
          stateBytes: limits.stateBytes,
          heldBack,
          quotas,
        },
        mailboxLimit: limits.mailbox,
        telemetryBudget: limits.telemetryBudget,
        batchLimit: limits.batch,
        hotTwins: Math.max(1, Math.floor(limits.hotTwins / storage.shards)),
        foldable: (envelope) => isFoldable(kinds, envelope),
        log: {
          take: (positions) => horizon.take(positions),
          refused: (position) => horizon.end(position),
          sendOf: (id) => sends.of(id),
          mayHaveParked: (id) => outbox.mayHaveParked(id),
          cursorsOf: (writer) => outbox.cursorsOf(writer),
          saved: (writer, cursors) => outbox.saved(writer, cursors),
        },
        onCommitted: committed,
        onFenced: loseOwnership,
      }),
  );
  const wakes = new WakeQueue({
    clock,
    dueWakes: (until, limit, after) => storage.dueWakes(until, limit, after),
    wake: async (address) => {
      const shard = shardOf(address.home);
      await shard.hasRoom();
      shard.wake(address);
    },
    onError: (error) => telemetry.emit('background.failed', { task: 'timers', error }),
  });
  const changes = new ChangeFeed({
    now: () => clock.now(),
    epoch: () => lease.epoch,
    settle: (home, run) => shardOf(home).exclusively(home, async () => run(horizon.last)),
    read: (home, after) =>
      readPastChanges({ storage, kinds, sendOf: (id) => sends.of(id) }, home, after, horizon.last),
  });
  const maintenance = new Maintenance({
    ...{ storage, clock, telemetry, retention: options.retention },
    readUpTo: async () => Math.min(outbox.lowestCursor(), await projections.readUpTo()),
  });
  const core: Core = {
    storage,
    clock,
    telemetry,
    kinds,
    newId,
    quotas,
    deletes: options.deletes ?? ((_twin, remove) => remove()),
    defaultTimezone,
    shardOf,
    post: (envelope) => shardOf(envelope.home).post(envelope),
    sendOf: sendOfOpen,
    reloadOutbox: () => outbox.reload(),
    forgetChanges: (home) => changes.forget(home),
    async deleteFor(deleted, remove) {
      try {
        await remove();
      } catch (error) {
        // It may be gone all the same: the store knows, and memory does not
        shardOf(deleted.home).forgetHome(deleted.home);
        projections.distrust();
        outbox.recheck(deleted);
        throw error;
      }
      projections.forget(deleted);
      outbox.forget(deleted);
      sends.forgetOf(deleted);
    },
  };

  // ── how they meet ──────────────────────────────────────────────────────────────────────────

  /** FNV-1a of the home's name: all twins of a home meet in one shard. */
  function shardOf(home: string): Shard {
    let hash = 0x811c9dc5;
    for (let i = 0; i < home.length; i++) hash = Math.imul(hash ^ home.charCodeAt(i), 0x01000193);
    return shards[(hash >>> 0) % shards.length] as Shard;
  }

  function committed(batch: FoldedBatch, commit: Commit | null): void {
    const { twins, rows, sendings, changes: made, signals } = batch;
    for (const { home, twin, wakeAt } of twins) wakes.note({ home, twin }, wakeAt);
    if (commit) {
      // Its turns have their positions by now
      const deliveries = sendings.map(({ row, turn }) => ({ row, position: turn }));
      outbox.add(commit, deliveries, rows.withdrawn);
      horizon.end(commit.seq);
      projections.add(commit.journal);
    }
    // Asked now, not before the commit: who subscribed meanwhile has not read this change yet
    if (changes.isInUse) {
      const ended = new Map(commit?.intents.map((intent) => [intent.id, sendOfRow(intent)]));
      const sendOf = (id: string) => ended.get(id) ?? sends.of(id);
      const isFollowed = (home: string) => changes.isFollowed(home);
      for (const change of made(sendOf, isFollowed)) {
        if (change.type === 'intent') commandNews.overtaken(change.intent.id);
        changes.publish(change);
      }
    }
    if (rows.intents.length > 0) sends.forget(rows.intents.map(({ id }) => id));
    for (const { name, fields } of signals) telemetry.emit(name, fields);
  }

  /** Its id says under which epoch it was asked for: what is not this engine's own has been sent, or is known to the outbox. */
  function sendOfOpen({ incarnation }: { incarnation: string }, id: string): Send {
    if (sends.has(id)) return sends.of(id);
    const isOld = turnOfId(id)?.life !== lifeOf(incarnation, lease.epoch);
    return isOld && outbox.hasSent(id) ? SENT_BEFORE : NOT_YET;
  }

  async function countTwins(): Promise<number> {
    const age = counted ? performance.now() - counted.at : Number.POSITIVE_INFINITY;
    if (!counted || age > TWINS_COUNTED_FOR_MS) {
      counted = { twins: await storage.countTwins(), at: performance.now() };
    }
    return counted.twins;
  }

  function loseOwnership(error: EngineError): void {
    if (lost || stopping) return;
    lost = error;
    for (const shard of shards) shard.stop(error);
    telemetry.emit('ownership.lost', { owner });
  }

  // ── its life ───────────────────────────────────────────────────────────────────────────────

  const lease = await storage.acquire(
    owner,
    shards.length * WRITERS_PER_SHARD,
    options.takeoverWaitMs ?? DEFAULT_TAKEOVER_WAIT_MS,
    // A database that went back to a backup gets other epochs than it had after that backup
    1 + Math.floor(random() * EPOCH_STEP),
  );
  lease.onLost(() =>
    loseOwnership(
      new EngineError('fenced', 'the claim on the homes is lost', {
        hint: 'Another engine may have taken over. Restart this one; it will wait its turn.',
      }),
    ),
  );
  /** The horizon of all commits of this engine: its writers take their positions from one row of numbers. */
  const horizon = new Horizon(Math.max(0, ...lease.writers.map(({ seq }) => seq)));
  const projections = new Projections(options.projections ?? [], {
    ...{ storage, clock, telemetry, random, horizon, epoch: lease.epoch },
    isQuiet: () => performance.now() - traffic.lastAt > QUIET_MS,
  });
  const outbox = new Outbox(lease.epoch, lease.writers, {
    ...{ storage, clock, telemetry, random, newId, destinations },
    onSending: (row) => commandNews.sending(row),
    onUnsent: ({ id }) => sends.unsent(id),
    onDropped: ({ id, expiresAt }) => sends.dropped(id, expiresAt ?? 0),
    onSent: (row) => commandNews.sent(row),
    onDead: (row, error) => commandNews.dead(row, error),
  });
  const intents = intentService(core);
  const commandNews = new CommandNews({ core, sends, changes, intents });
  const begun = await beginning(lease);
  for (const kind of begun?.holdBack ?? []) heldBack.add(kind);
  await maintenance.start();
  await outbox.start();
  for (const shard of shards) shard.start(lease.epoch);
  await wakes.start();
  projections.start();
  telemetry.emit('engine.started', { shards: shards.length, epoch: lease.epoch });

  async function beginning(held: Lease): Promise<Beginning | undefined> {
    try {
      return await options.begin?.();
    } catch (error) {
      await held[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Drains what waits (bounded), then lets the homes go. */
  async function stop(held: Lease): Promise<void> {
    const began = performance.now();
    const stopped = new EngineError('stopping', 'the engine stops', {
      hint: 'Send it again; a restart takes seconds.',
    });
    await maintenance[Symbol.asyncDispose]();
    await withinMs(SETTLE_MS, projections[Symbol.asyncDispose]());
    await wakes[Symbol.asyncDispose]();
    // A shard whose store is away cannot drain; what waits there is unacknowledged and comes again
    for (const shard of shards) if (shard.failing !== null) shard.stop(stopped);
    await withinMs(DRAIN_MS, Promise.all(shards.map((shard) => shard.idle())));
    for (const shard of shards) shard.stop(stopped);
    await Promise.all(shards.map((shard) => shard.idle()));
    await withinMs(SETTLE_MS, outbox[Symbol.asyncDispose]());
    changes.close();
    // While nobody else may write
    if (begun) await withinMs(SETTLE_MS, begun.end());
    await held[Symbol.asyncDispose]();
    telemetry.emit('engine.stopped', { drainedMs: performance.now() - began });
  }

  return {
    kinds,
    changes,
    clock,
    storage,
    ...inboundService(core),
    ...homeService(core),
    ...twinService(core, changes),
    ...intents,
    ...steeringService(core, intents),
    ...deadLetterService(core),
    ...projections.service,
    newId,
    hasRoom: (home) => shardOf(home).hasRoom(),
    addSink: (sink) => outbox.attach(sink),
    wakeSink: (name, twins) => outbox.wake(name, twins ?? null),

    health() {
      const problems = new Set<string>();
      if (lost) problems.add(`${lost.message}. ${lost.hint ?? ''}`.trim());
      if (stopping) problems.add('stopping');
      for (const { failing } of shards) if (failing !== null) problems.add(failing);
      return { ready: problems.size === 0, problems: [...problems] };
    },

    stats: () => ({
      mailbox: shards.map(({ depth }) => depth),
      hotTwins: shards.reduce((sum, { hotTwins }) => sum + hotTwins, 0),
      waitingTimers: wakes.size,
      outbox: outbox.waiting(),
      outboxLag: outbox.lag(),
      projectionLag: projections.lag(),
      subscribers: changes.subscribers,
    }),

    async storeStats() {
      const [undelivered, deadLetters, twins] = await Promise.all([
        outbox.undelivered(),
        storage.countDeadLetters(),
        countTwins(),
      ]);
      return { undelivered, deadLetters, twins };
    },

    async idle() {
      do {
        await wakes.idle();
        await Promise.all(shards.map((shard) => shard.idle()));
        await outbox.idle();
        await projections.idle();
        // What was delivered may have told its twin, and a turn may have asked for deliveries
      } while (!shards.every(({ isIdle }) => isIdle) || !outbox.isIdle || !projections.isIdle);
    },

    [Symbol.asyncDispose]() {
      stopping ??= stop(lease);
      return stopping;
    },
  };
}

/** @throws EngineError `kind-invalid` */
function byName(kinds: readonly AnyKind[]): ReadonlyMap<string, AnyKind> {
  const named = new Map<string, AnyKind>();
  for (const kind of kinds) {
    if (named.has(kind.kind)) {
      throw new EngineError('kind-invalid', `there are two kinds "${kind.kind}"`);
    }
    named.set(kind.kind, kind);
  }
  return named;
}

async function withinMs(ms: number, work: Promise<unknown>): Promise<void> {
  let timeout: NodeJS.Timeout | undefined;
  const bound = new Promise<void>((resolve) => {
    timeout = setTimeout(resolve, ms);
  });
  await Promise.race([work, bound]);
  clearTimeout(timeout);
}
