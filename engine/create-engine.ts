/** Wires the engine together; each part stands in a file of its own. */

import type { FoldedBatch } from './batch.ts';
import { ChangeFeed } from './changes.ts';
import type {
  Engine,
  EngineOptions,
  EngineStats,
  Health,
  Limits,
  Requester,
  TwinReading,
} from './engine.ts';
import {
  type Address,
  assertName,
  type Envelope,
  type EventData,
  keyOf,
  type Receipt,
} from './envelope.ts';
import { EngineError, messageOf } from './errors.ts';
import { type HistoryPoint, type HistoryResolution, readHistory } from './history.ts';
import { specOf } from './intents.ts';
import type { JsonObject } from './json.ts';
import { restore } from './kernel.ts';
import type { AnyKind, View } from './kind.ts';
import { assertTimezone } from './local-time.ts';
import { Outbox } from './outbox.ts';
import { type ReplayReport, replay } from './replay.ts';
import type { DeadLetterRow, HomeRow, IntentRow, OutboxRow, TwinRow } from './rows.ts';
import { Shard } from './shard.ts';
import type { Sink } from './sink.ts';
import type { HistoryQuery, Lease } from './storage/port.ts';
import { parseEvent } from './turn.ts';
import { WakeQueue } from './wake-queue.ts';

const DEFAULT_LIMITS: Limits = {
  mailbox: 20_000,
  batch: 2_000,
  hotTwins: 50_000,
  telemetryBudget: 64,
  checkpointEvery: 500,
};
const DEFAULT_TAKEOVER_WAIT_MS = 15_000;
const DRAIN_MS = 8_000;
const MAINTAIN_EVERY_MS = 60 * 60_000;
const DAY_MS = 24 * 60 * 60_000;
const PACKET_KEPT_BYTES = 64 * 1024;

/**
 * Claims the homes of the store and starts turning their twins.
 * @throws EngineError `owned-elsewhere` when another engine holds them, `kind-invalid`,
 *   `storage-unavailable`
 */
export async function createEngine(options: EngineOptions): Promise<Engine> {
  const engine = new RunningEngine(options);
  await engine.start();
  return engine;
}

class RunningEngine implements Engine {
  readonly kinds: ReadonlyMap<string, AnyKind>;
  readonly changes = new ChangeFeed();
  readonly #options: EngineOptions;
  readonly #limits: Limits;
  readonly #random: () => number;
  #shards: Shard[];
  #outbox: Outbox;
  #wakes: WakeQueue;
  #lease: Lease | null = null;
  #packetSources = new Map<string, (topic: string, payload: Buffer) => Promise<void>>();
  #maintenance: Disposable | null = null;
  #lost: EngineError | null = null;
  #stopping = false;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#random = options.random ?? Math.random;
    this.kinds = new Map(options.kinds.map((kind) => [kind.kind, kind]));
    if (this.kinds.size !== options.kinds.length) {
      throw new EngineError('kind-invalid', 'two kinds have the same name');
    }
    const { storage, clock, telemetry, newId, destinations, defaultTimezone } = options;
    assertTimezone(defaultTimezone);
    this.#shards = Array.from(
      { length: storage.shards },
      (_, index) =>
        new Shard({
          index,
          storage,
          clock,
          telemetry,
          context: {
            kinds: this.kinds,
            destinations,
            defaultTimezone,
            newId,
            checkpointEvery: this.#limits.checkpointEvery,
          },
          mailboxLimit: this.#limits.mailbox,
          telemetryBudget: this.#limits.telemetryBudget,
          batchLimit: this.#limits.batch,
          hotTwins: Math.max(1, Math.floor(this.#limits.hotTwins / storage.shards)),
          foldable: (envelope) => this.#isWellFormed(envelope),
          random: this.#random,
          wantsChanges: () => this.changes.hasSubscribers,
          onCommitted: (batch) => this.#committed(batch),
          onFenced: (error) => this.#loseOwnership(error),
        }),
    );
    this.#outbox = new Outbox(new Set(Object.values(destinations)), {
      storage,
      clock,
      telemetry,
      random: this.#random,
      newId,
      onSent: (row) => this.#sent(row),
      onDead: (row, error) => this.#dead(row, error),
    });
    this.#wakes = new WakeQueue({
      clock,
      dueWakes: (until, limit, after) => storage.dueWakes(until, limit, after),
      wake: async (address) => {
        const shard = this.#shardOf(address.home);
        await shard.hasRoom();
        shard.wake(address);
      },
      onError: (error) => telemetry.emit('background.failed', { task: 'timers', error }),
    });
  }

  get clock() {
    return this.#options.clock;
  }
  get storage() {
    return this.#options.storage;
  }

  async start(): Promise<void> {
    const { storage, owner, takeoverWaitMs, telemetry } = this.#options;
    this.#lease = await storage.acquire(
      owner,
      this.#shards.length,
      takeoverWaitMs ?? DEFAULT_TAKEOVER_WAIT_MS,
    );
    this.#lease.onLost(() =>
      this.#loseOwnership(
        new EngineError('fenced', 'the claim on the homes is lost', {
          hint: 'Another engine may have taken over. Restart this one; it will wait its turn.',
        }),
      ),
    );
    await this.#maintain();
    for (const shard of this.#shards) shard.start(this.#lease.epoch);
    await this.#wakes.start();
    telemetry.emit('engine.started', { shards: this.#shards.length, epoch: this.#lease.epoch });
  }

  // ── the way of an event ────────────────────────────────────────────────────────────────────

  dispatch(envelope: Envelope): Promise<Receipt> {
    return this.#shardOf(envelope.home).post(envelope);
  }

  hasRoom(home: string): Promise<void> {
    return this.#shardOf(home).hasRoom();
  }

  #committed(batch: FoldedBatch): void {
    for (const twin of batch.twins)
      this.#wakes.note({ home: twin.home, twin: twin.twin }, twin.wakeAt);
    if (batch.rows.outbox.length > 0 || batch.rows.withdrawn.length > 0) {
      this.#outbox.add(batch.rows.outbox, batch.rows.withdrawn);
    }
    for (const change of batch.changes) this.changes.publish(change);
    for (const { name, fields } of batch.signals) this.#options.telemetry.emit(name, fields);
  }

  /** FNV-1a of the home's name: all twins of a home meet in one shard. */
  #shardOf(home: string): Shard {
    let hash = 0x811c9dc5;
    for (let i = 0; i < home.length; i++) hash = Math.imul(hash ^ home.charCodeAt(i), 0x01000193);
    return this.#shards[(hash >>> 0) % this.#shards.length] as Shard;
  }

  #isWellFormed(envelope: Envelope): boolean {
    const kind = envelope.kind === undefined ? undefined : this.kinds.get(envelope.kind);
    if (!kind) return false;
    try {
      parseEvent(kind, envelope.event);
      return true;
    } catch {
      // Only a question here: the event gets its turn, and there its refusal with a reason
      return false;
    }
  }

  // ── deeds ──────────────────────────────────────────────────────────────────────────────────

  addSink(sink: Sink): Disposable {
    return this.#outbox.attach(sink);
  }

  wakeSink(name: string): void {
    this.#outbox.wake(name);
  }

  #sent({ home, twin, id, delivery }: OutboxRow): void {
    const kind = this.kinds.get(delivery.kind);
    if (kind && 'intent.sent' in kind.events) {
      this.#inform({ home, twin }, id, { type: 'intent.sent', intent: id });
    }
  }

  #dead({ home, twin, id, delivery }: OutboxRow, error: string): void {
    if (delivery.type === 'command') {
      this.#inform({ home, twin }, id, { type: 'ack', intent: id, ok: false, error });
    }
  }

  /** Tells a twin what became of its command. Nobody waits; a failure shows in the signals. */
  #inform(address: Address, cause: string, event: EventData): void {
    const envelope = this.#envelope(address, event, { principal: 'engine', source: 'engine' });
    this.dispatch({ ...envelope, cause, correlation: cause }).catch((error: unknown) =>
      this.#options.telemetry.emit('background.failed', { task: event.type, error }),
    );
  }

  // ── packets that no codec could read ───────────────────────────────────────────────────────

  addPacketSource(
    name: string,
    redeliver: (topic: string, payload: Buffer) => Promise<void>,
  ): Disposable {
    this.#packetSources.set(name, redeliver);
    return { [Symbol.dispose]: () => this.#packetSources.delete(name) };
  }

  async bury(packet: Parameters<Engine['bury']>[0]): Promise<void> {
    const { telemetry, storage, clock, newId } = this.#options;
    const { payload } = packet;
    const letter: DeadLetterRow = {
      id: newId(),
      home: packet.home,
      twin: packet.twin,
      source: packet.source,
      code: packet.code,
      error: packet.error,
      hint: packet.hint,
      at: clock.now(),
      attempts: 1,
      content: {
        type: 'packet',
        topic: packet.topic,
        payload: payload.subarray(0, PACKET_KEPT_BYTES).toString('base64'),
        truncated: payload.length > PACKET_KEPT_BYTES,
      },
    };
    const { code, home, twin, error } = packet;
    try {
      await storage.insertDeadLetters([letter]);
      telemetry.emit('dead-letter.kept', { code, home, twin, error });
    } catch (lost) {
      telemetry.emit('dead-letter.lost', { code, error: `${error}; not kept: ${messageOf(lost)}` });
    }
  }

  async retryDeadLetter(
    id: string,
  ): Promise<{ resolved: boolean; letter: DeadLetterRow; reason?: string }> {
    const { storage } = this;
    const letter = await storage.getDeadLetter(id);
    if (!letter) throw new EngineError('not-found', `there is no dead letter ${id}`);
    const { content } = letter;
    switch (content.type) {
      case 'envelope': {
        // The sender's own id stays, so that an event which got through meanwhile is not doubled
        const receipt = await this.dispatch({ ...content.envelope, answered: true });
        if (receipt.status === 'rejected') {
          return { resolved: false, letter, reason: receipt.reason };
        }
        await storage.deleteDeadLetter(id);
        return { resolved: true, letter };
      }
      case 'packet': {
        const redeliver = this.#packetSources.get(letter.source);
        if (content.truncated || !redeliver) {
          const reason = content.truncated
            ? 'only its beginning was kept'
            : `its source "${letter.source}" is not running`;
          return { resolved: false, letter, reason };
        }
        // Whatever is still wrong with it makes a new dead letter
        await redeliver(content.topic, Buffer.from(content.payload, 'base64'));
        await storage.deleteDeadLetter(id);
        return { resolved: true, letter };
      }
      case 'delivery': {
        const again = { ...content.outbox, attempts: 0, notBefore: this.clock.now() };
        await storage.reviveDelivery(id, again);
        this.#outbox.reload();
        return { resolved: true, letter };
      }
    }
  }

  // ── homes ──────────────────────────────────────────────────────────────────────────────────

  async createHome(home: Omit<HomeRow, 'createdAt'>): Promise<HomeRow> {
    assertName('home', home.id);
    assertTimezone(home.timezone);
    const row = { ...home, createdAt: this.clock.now() };
    if (!(await this.storage.insertHome(row))) {
      throw new EngineError('conflict', `home ${home.id} exists already`, {
        hint: 'PATCH it, or choose another id.',
      });
    }
    return row;
  }

  async updateHome(
    id: string,
    change: { name?: string; timezone?: string },
    by: Requester,
  ): Promise<HomeRow> {
    if (change.timezone !== undefined) assertTimezone(change.timezone);
    const shard = this.#shardOf(id);
    const { before, after } = await shard.exclusively(async () => {
      const before = await this.#home(id);
      const after = { ...before, ...change };
      await this.storage.updateHome(after);
      return { before, after };
    });
    if (after.timezone !== before.timezone) await this.#tellHome(after, by);
    return after;
  }

  async #tellHome(home: HomeRow, by: Requester): Promise<void> {
    const event = { type: 'home.changed', timezone: home.timezone };
    let cursor: string | undefined;
    do {
      const page = await this.storage.listTwins(home.id, {}, { limit: 200, cursor });
      for (const row of page.items) {
        const kind = this.kinds.get(row.kind);
        if (!kind || !('home.changed' in kind.events)) continue;
        await this.dispatch({
          ...this.#envelope({ home: home.id, twin: row.twin }, event, by),
          source: 'engine',
        });
      }
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
  }

  async deleteHome(id: string): Promise<void> {
    const shard = this.#shardOf(id);
    await shard.exclusively(async () => {
      await this.#home(id);
      await this.storage.deleteHome(id);
      shard.forgetHome(id);
    });
    this.#outbox.reload();
  }

  async #home(id: string): Promise<HomeRow> {
    const home = await this.storage.getHome(id);
    if (!home) {
      throw new EngineError('unknown-home', `there is no home ${id}`, {
        hint: 'Create it with POST /v1/homes.',
      });
    }
    return home;
  }

  // ── twins ──────────────────────────────────────────────────────────────────────────────────

  async createTwin(
    wanted: Parameters<Engine['createTwin']>[0],
    by: Requester,
  ): Promise<TwinReading> {
    const { home, twin, kind, name = twin, room = null, via, settings } = wanted;
    assertName('home', home);
    assertName('twin', twin);
    await this.#home(home);
    if (room !== null) await this.#assertRoom(home, room);
    const known = this.kinds.get(kind);
    if (known && settings) parseEvent(known, { type: 'settings.changed', ...settings });
    const created = await this.dispatch({
      ...this.#envelope({ home, twin }, { type: 'twin.created', name, room }, by),
      kind,
      ifUnknown: 'create',
      ...(via != null && { via }),
    });
    assertDone(created);
    if (settings && created.status !== 'duplicate') {
      assertDone(
        await this.dispatch(
          this.#envelope({ home, twin }, { type: 'settings.changed', ...settings }, unkeyed(by)),
        ),
      );
    }
    return this.#mustRead({ home, twin });
  }

  async updateTwin(
    address: Address,
    change: { name?: string; room?: string | null; settings?: JsonObject },
    by: Requester,
  ): Promise<TwinReading> {
    const { settings, ...meta } = change;
    const { row } = await this.#mustRead(address);
    if (meta.room != null) await this.#assertRoom(address.home, meta.room);
    const kind = this.kinds.get(row.kind);
    // All or nothing: settings are checked before the name or room changes
    if (kind && settings) parseEvent(kind, { type: 'settings.changed', ...settings });
    let next = by;
    if (meta.name !== undefined || meta.room !== undefined) {
      const event = { type: 'twin.changed', ...meta };
      assertDone(await this.dispatch(this.#envelope(address, event, by)));
      next = unkeyed(by);
    }
    if (settings) {
      const event = { type: 'settings.changed', ...settings };
      assertDone(await this.dispatch(this.#envelope(address, event, next)));
    }
    return this.#mustRead(address);
  }

  async deleteTwin(address: Address): Promise<void> {
    const shard = this.#shardOf(address.home);
    const { row } = await this.#mustRead(address);
    if (row.room !== null) await this.#leaveRoom(address);
    await shard.exclusively(async () => {
      await this.storage.deleteTwin(address);
      // Its home's twins may hold it as a relation
      shard.forgetHome(address.home);
    });
    this.#outbox.reload();
    this.changes.publish({ type: 'twin.removed', ...address });
  }

  /** Its room hears that it left, as after any other change of room. */
  async #leaveRoom(address: Address): Promise<void> {
    const by = { principal: 'engine', source: 'engine' };
    await this.dispatch(this.#envelope(address, { type: 'twin.changed', room: null }, by));
  }

  async #assertRoom(home: string, room: string): Promise<void> {
    assertName('room', room);
    const found = await this.storage.getTwin({ home, twin: room });
    const kind = found && this.kinds.get(found.kind);
    if (kind && 'member.joined' in kind.events) return;
    throw new EngineError('bad-input', `${home}/${room} is not a room`, {
      hint: found
        ? `It is a ${found.kind}. Name a twin whose kind has members.`
        : `Create it first: POST /v1/homes/${home}/twins {"id": "${room}", "kind": "room"}.`,
    });
  }

  async readTwin(address: Address): Promise<TwinReading | null> {
    const row = await this.storage.getTwin(address);
    return row && { row, view: this.view(row) };
  }

  async #mustRead(address: Address): Promise<TwinReading> {
    const reading = await this.readTwin(address);
    if (!reading) throw unknownTwin(address);
    return reading;
  }

  view(row: TwinRow): View {
    const kind = this.kinds.get(row.kind);
    // A kind that this engine does not know still shows that the twin is there
    if (!kind) return { reported: {}, desired: {}, settings: {} };
    return kind.view(restore(kind, row.state).context);
  }

  async acceptCandidate(
    address: Address,
    as: { name?: string; room?: string | null },
    by: Requester,
  ): Promise<TwinReading> {
    const candidate = await this.storage.getCandidate(address);
    if (!candidate) {
      throw new EngineError('not-found', `${keyOf(address)} is not waiting to be claimed`, {
        hint: `GET /v1/homes/${address.home}/candidates lists who is.`,
      });
    }
    if (!(await this.storage.getHome(address.home))) {
      await this.createHome({
        id: address.home,
        name: address.home,
        timezone: this.#options.defaultTimezone,
      });
    }
    const made = await this.createTwin(
      { ...address, kind: candidate.kind, via: candidate.via, ...as },
      by,
    );
    await this.storage.deleteCandidate(address);
    return made;
  }

  // ── steering ───────────────────────────────────────────────────────────────────────────────

  async desire(address: Address, patch: JsonObject, by: Requester): Promise<Receipt> {
    return this.dispatch(this.#envelope(address, { type: 'desired.changed', ...patch }, by));
  }

  async command(
    address: Address,
    { name, args, ttl }: { name: string; args: JsonObject; ttl?: number },
    by: Requester,
  ): Promise<IntentRow> {
    const { row } = await this.#mustRead(address);
    const kind = this.kinds.get(row.kind);
    if (kind) specOf(kind, { name, args });
    const event = { type: 'command.requested', name, args, ...(ttl !== undefined && { ttl }) };
    const envelope = this.#envelope(address, event, by);
    assertDone(await this.dispatch(envelope));
    // A repeated request finds the intent that its first arrival made
    const { items } = await this.storage.listIntents(
      address.home,
      { twin: address.twin, cause: envelope.id },
      { limit: 1 },
    );
    const [intent] = items;
    if (!intent) throw new EngineError('not-found', `the command of ${envelope.id} is gone`);
    return intent;
  }

  async fireTimer(address: Address, timer: string, by: Requester): Promise<Receipt> {
    await this.#assertTimer(address, timer);
    return this.dispatch(
      this.#envelope(
        address,
        { type: 'timer.fired', timer, due: this.clock.now(), forced: true },
        by,
      ),
    );
  }

  async cancelTimer(address: Address, timer: string, by: Requester): Promise<Receipt> {
    await this.#assertTimer(address, timer);
    return this.dispatch(this.#envelope(address, { type: 'timer.cancelled', timer }, by));
  }

  async #assertTimer(address: Address, timer: string): Promise<void> {
    const { row } = await this.#mustRead(address);
    if (row.state.timers.some(({ id }) => id === timer)) return;
    throw new EngineError('not-found', `${keyOf(address)} has no timer "${timer}"`, {
      hint: `It has: ${row.state.timers.map(({ id }) => id).join(', ') || 'none'}.`,
    });
  }

  async acknowledgeAlert(home: string, id: string, by: Requester): Promise<Receipt> {
    const alert = await this.storage.getAlert(home, id);
    if (!alert) throw new EngineError('not-found', `home ${home} has no alert ${id}`);
    const event = { type: 'alert.acknowledged', alert: id, key: alert.key };
    return this.dispatch(this.#envelope({ home, twin: alert.twin }, event, by));
  }

  async history(query: HistoryQuery, resolution: HistoryResolution): Promise<HistoryPoint[]> {
    if (query.from >= query.to) {
      throw new EngineError('bad-input', '"from" must be before "to"');
    }
    await this.#mustRead(query);
    return readHistory(this.storage, query, resolution);
  }

  replay(address: Address): Promise<ReplayReport> {
    return replay(this.storage, this.kinds, address);
  }

  // ── running ────────────────────────────────────────────────────────────────────────────────

  health(): Health {
    const problems: string[] = [];
    if (this.#lost) problems.push(`${this.#lost.message}. ${this.#lost.hint ?? ''}`.trim());
    if (this.#stopping) problems.push('stopping');
    for (const { failing } of this.#shards) {
      if (failing !== null && !problems.includes(failing)) problems.push(failing);
    }
    return { ready: problems.length === 0 && this.#lease !== null, problems };
  }

  async stats(): Promise<EngineStats> {
    const [undelivered, deadLetters, twins] = await Promise.all([
      this.storage.outboxStats(),
      this.storage.countDeadLetters(),
      this.storage.countTwins(),
    ]);
    return {
      mailbox: this.#shards.map(({ depth }) => depth),
      hotTwins: this.#shards.reduce((sum, { hotTwins }) => sum + hotTwins, 0),
      waitingTimers: this.#wakes.size,
      outbox: this.#outbox.waiting(),
      undelivered,
      deadLetters,
      twins,
      subscribers: this.changes.subscribers,
    };
  }

  async idle(): Promise<void> {
    for (;;) {
      await this.#wakes.idle();
      await Promise.all(this.#shards.map((shard) => shard.idle()));
      await this.#outbox.idle();
      // What was delivered may have told its twin, and a turn may have asked for deliveries
      if (this.#shards.every(({ isIdle }) => isIdle) && this.#outbox.isIdle) return;
    }
  }

  /** Drains what waits (bounded), then lets the homes go. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    const began = performance.now();
    const stopped = new EngineError('stopping', 'the engine stops', {
      hint: 'Send it again; a restart takes seconds.',
    });
    this.#maintenance?.[Symbol.dispose]();
    await this.#wakes[Symbol.asyncDispose]();
    // A shard whose store is away cannot drain; what waits there is unacknowledged and comes again
    for (const shard of this.#shards) if (shard.failing !== null) shard.stop(stopped);
    await withinMs(DRAIN_MS, Promise.all(this.#shards.map((shard) => shard.idle())));
    for (const shard of this.#shards) shard.stop(stopped);
    await Promise.all(this.#shards.map((shard) => shard.idle()));
    await withinMs(DRAIN_MS / 4, this.#outbox[Symbol.asyncDispose]());
    this.changes.close();
    await this.#lease?.[Symbol.asyncDispose]();
    this.#options.telemetry.emit('engine.stopped', { drainedMs: performance.now() - began });
  }

  #loseOwnership(error: EngineError): void {
    if (this.#lost || this.#stopping) return;
    this.#lost = error;
    for (const shard of this.#shards) shard.stop(error);
    this.#options.telemetry.emit('ownership.lost', { owner: this.#options.owner });
  }

  async #maintain(): Promise<void> {
    const { storage, clock, telemetry, retention } = this.#options;
    const now = clock.now();
    try {
      await storage.maintain({
        now,
        journalBefore: now - retention.journal * DAY_MS,
        rollupsBefore: now - retention.rollups * DAY_MS,
        endedBefore: now - retention.ended * DAY_MS,
      });
    } catch (error) {
      telemetry.emit('background.failed', { task: 'maintenance', error });
    }
    if (this.#stopping) return;
    this.#maintenance = clock.schedule(now + MAINTAIN_EVERY_MS, () => void this.#maintain());
  }

  #envelope(address: Address, event: EventData, by: Requester): Envelope {
    const id = by.key ?? this.#options.newId();
    return {
      home: address.home,
      twin: address.twin,
      id,
      dedupe: by.key !== undefined,
      event,
      at: this.clock.now(),
      source: by.source,
      cause: null,
      correlation: id,
      principal: by.principal,
      ifUnknown: 'reject',
      answered: true,
      ...(by.ifRevision !== undefined && { ifRevision: by.ifRevision }),
    };
  }
}

/** @throws EngineError with the receipt's own code */
function assertDone(receipt: Receipt): asserts receipt is Exclude<Receipt, { status: 'rejected' }> {
  if (receipt.status === 'rejected') {
    throw new EngineError(
      receipt.code,
      receipt.reason,
      receipt.hint === undefined ? {} : { hint: receipt.hint },
    );
  }
}

/** The second event of one request: the key and the revision were spent on the first. */
function unkeyed({ principal, source }: Requester): Requester {
  return { principal, source };
}

function unknownTwin(address: Address): EngineError {
  return new EngineError('unknown-twin', `there is no twin ${keyOf(address)}`, {
    hint: `GET /v1/homes/${address.home}/twins lists the twins of the home.`,
  });
}

async function withinMs(ms: number, work: Promise<unknown>): Promise<void> {
  let timeout: NodeJS.Timeout | undefined;
  const bound = new Promise<void>((resolve) => {
    timeout = setTimeout(resolve, ms);
  });
  await Promise.race([work, bound]);
  clearTimeout(timeout);
}
