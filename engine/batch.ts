/**
 * Many envelopes folded into one commit: the only place where twins change. Effects are rows here,
 * deeds later. Nothing outside the batch sees a change before its commit.
 */
import type { Change } from './changes.ts';
import type { Destinations, FollowUp, Turned } from './draft.ts';
import {
  type Address,
  type Envelope,
  type EventData,
  idHash,
  isExternal,
  keyOf,
  type Receipt,
} from './envelope.ts';
import { EngineError, messageOf } from './errors.ts';
import type { AnyKind } from './kind.ts';
import { type LiveTwin, revive } from './live-twin.ts';
import type { Mail, Waiting } from './mailbox.ts';
import { mergeStats } from './rollups.ts';
import type {
  AlertRow,
  CandidateRow,
  DeadLetterRow,
  HomeRow,
  IntentWrite,
  LoadedTwin,
  RollupRow,
} from './rows.ts';
import { hasSeen } from './seen.ts';
import type { Commit } from './storage/port.ts';
import type { EngineSignals } from './telemetry.ts';
import { nextDue } from './timers.ts';
import { birth, turn } from './turn.ts';

/** What a batch needs to know of its surroundings. */
export interface BatchContext {
  kinds: ReadonlyMap<string, AnyKind>;
  destinations: Destinations;
  defaultTimezone: string;
  checkpointEvery: number;
  newId: () => string;
  hot(key: string): LiveTwin | undefined;
  load(addresses: readonly Address[]): Promise<LoadedTwin[]>;
  getHome(id: string): Promise<HomeRow | null>;
}

/** The rows of a commit, without the shard's place in the order of commits. */
export type Rows = Omit<Commit, 'shard' | 'epoch' | 'seq'>;

/** A batch before its commit. */
export interface FoldedBatch {
  rows: Rows;
  /** False when nothing has to be stored. */
  changed: boolean;
  turns: number;
  twins: LiveTwin[];
  receipts: { waiting: Waiting[]; envelope: Envelope; receipt: Receipt }[];
  /** Built on demand: most of the time nobody watches. */
  changes: () => Change[];
  signals: Signal[];
}

type Signal = {
  [N in keyof EngineSignals]: { name: N; fields: EngineSignals[N] };
}[keyof EngineSignals];

/** Tells and their tells: beyond this the home talks to itself in circles. */
const CASCADE_DEPTH = 8;
/** Due timers of one twin that one wake fires; the rest follows in the next batch. */
const WAKE_TURNS = 64;

interface Item {
  envelope: Envelope;
  depth: number;
  waiting: Waiting[] | null;
}

/** Folds mail into a commit. @param now the turns' own time, epoch ms */
export async function foldBatch(
  context: BatchContext,
  mail: readonly Mail[],
  now: number,
): Promise<FoldedBatch> {
  const batch = new Batch(context, now);
  await batch.fold(mail);
  return batch.finish();
}

class Batch {
  readonly #context: BatchContext;
  readonly #now: number;
  /** Twins as they are after the turns so far; null: known not to exist. */
  #twins = new Map<string, LiveTwin | null>();
  #unreadable = new Map<string, EngineError>();
  #homes = new Map<string, HomeRow | null>();
  #turned = new Set<string>();
  /** Twins without a turn whose bound was corrected. */
  #moved = new Set<string>();
  /** Twins without a turn that gained or lost a member: only their copy in memory changes. */
  #related = new Set<string>();
  /** Room changes of this batch, for rooms that it loads afterwards. */
  #memberships: { room: string; member: string; belongs: boolean }[] = [];
  #rows: Rows = {
    homes: [],
    twins: [],
    wakes: [],
    journal: [],
    outbox: [],
    withdrawn: [],
    intents: [],
    alerts: [],
    rollups: [],
    checkpoints: [],
    relations: [],
    deadLetters: [],
    candidates: [],
  };
  #intents = new Map<string, IntentWrite>();
  #alerts = new Map<string, AlertRow>();
  #rollups = new Map<string, RollupRow>();
  #candidates = new Map<string, CandidateRow>();
  #receipts: FoldedBatch['receipts'] = [];
  #turnedOnes: Turned[] = [];
  #signals: Signal[] = [];

  constructor(context: BatchContext, now: number) {
    this.#context = context;
    this.#now = now;
  }

  async fold(mail: readonly Mail[]): Promise<void> {
    await this.#load(mail.flatMap((m) => (m.type === 'task' ? [] : [addressOf(m)])));
    await this.#loadHomes(mail.flatMap((m) => (m.type === 'envelope' ? [m.envelope] : [])));
    let round: Item[] = [];
    for (const m of mail) {
      if (m.type === 'envelope') {
        round.push(...this.#turn({ envelope: m.envelope, depth: 0, waiting: m.waiting }));
      } else if (m.type === 'wake') round.push(...this.#wake(m.address));
    }
    // What twins told each other arrives after what was in their mailboxes before
    while (round.length > 0) {
      await this.#load(round.map(({ envelope }) => envelope));
      const next: Item[] = [];
      for (const item of round) next.push(...this.#turn(item));
      round = next;
    }
  }

  finish(): FoldedBatch {
    const rows = this.#rows;
    const twins: LiveTwin[] = [];
    for (const key of this.#turned) {
      const twin = this.#twins.get(key);
      if (!twin) continue;
      twins.push(twin);
      rows.twins.push(rowOf(twin));
    }
    for (const key of [...this.#moved, ...this.#related]) {
      const twin = this.#twins.get(key);
      if (!twin || this.#turned.has(key)) continue;
      twins.push(twin);
      if (this.#moved.has(key)) {
        rows.wakes.push({ home: twin.home, twin: twin.twin, wakeAt: twin.wakeAt });
      }
    }
    rows.intents = [...this.#intents.values()];
    rows.alerts = [...this.#alerts.values()];
    rows.rollups = [...this.#rollups.values()];
    rows.candidates = [...this.#candidates.values()];
    return {
      rows,
      changed: Object.values(rows).some((list) => list.length > 0),
      turns: rows.journal.length,
      twins,
      receipts: this.#receipts,
      changes: () => changesOf(this.#turnedOnes, rows),
      signals: this.#signals,
    };
  }

  // ── loading ────────────────────────────────────────────────────────────────────────────────

  async #load(addresses: readonly Address[]): Promise<void> {
    const missing = new Map<string, Address>();
    for (const address of addresses) {
      const key = keyOf(address);
      if (this.#twins.has(key) || this.#unreadable.has(key) || missing.has(key)) continue;
      const hot = this.#context.hot(key);
      if (hot) this.#twins.set(key, hot);
      else missing.set(key, address);
    }
    if (missing.size === 0) return;
    for (const stored of await this.#context.load([...missing.values()])) {
      const key = keyOf(stored);
      missing.delete(key);
      try {
        let twin = this.#revive(stored);
        for (const { room, member, belongs } of this.#memberships) {
          if (room === key) twin = withMember(twin, member, belongs);
        }
        this.#twins.set(key, twin);
      } catch (error) {
        this.#unreadable.set(key, error as EngineError);
      }
    }
    for (const key of missing.keys()) this.#twins.set(key, null);
  }

  #revive(stored: LoadedTwin): LiveTwin {
    const kind = this.#context.kinds.get(stored.kind);
    if (!kind) {
      throw new EngineError('state-unreadable', `${keyOf(stored)} is of kind "${stored.kind}"`, {
        hint: 'This engine does not know the kind. Start it with the kind, or delete the twin.',
      });
    }
    return revive(kind, stored);
  }

  /** Homes matter only to envelopes that may bring a twin into being. */
  async #loadHomes(envelopes: readonly Envelope[]): Promise<void> {
    for (const { home, twin, ifUnknown } of envelopes) {
      if (ifUnknown !== 'create' || this.#homes.has(home)) continue;
      if (this.#twins.get(keyOf({ home, twin })) !== null) continue;
      this.#homes.set(home, await this.#context.getHome(home));
    }
  }

  // ── turning ────────────────────────────────────────────────────────────────────────────────

  #turn(item: Item): Item[] {
    const { envelope, waiting } = item;
    try {
      if (item.depth > CASCADE_DEPTH) {
        throw new EngineError(
          'cascade-too-deep',
          `${keyOf(envelope)}: "${envelope.event.type}" is ${item.depth} tells away from what began it`,
          { hint: 'Twins of this home answer each other in a circle; break it in one of them.' },
        );
      }
      const unreadable = this.#unreadable.get(keyOf(envelope));
      if (unreadable) throw unreadable;
      const existing = this.#twins.get(keyOf(envelope)) ?? null;
      const followUps = existing === null ? this.#firstTurn(item) : this.#nextTurn(existing, item);
      return followUps;
    } catch (thrown) {
      this.#refuse(envelope, waiting, asEngineError(thrown));
      return [];
    }
  }

  #nextTurn(twin: LiveTwin, item: Item): Item[] {
    const { envelope, waiting } = item;
    if (envelope.event.type === 'twin.created') {
      if (envelope.dedupe && hasSeen(twin.state.seen, idHash(envelope.id))) {
        this.#settle(envelope, waiting, {
          status: 'duplicate',
          revision: twin.revision,
          effects: [],
        });
        return [];
      }
      throw new EngineError('conflict', `${keyOf(twin)} exists already`, {
        hint: 'PATCH it, or choose another id.',
      });
    }
    // A tell to a twin that does not care is no event of its life
    if (
      !isExternal(envelope) &&
      isTold(envelope) &&
      !Object.hasOwn(twin.kindOf.events, envelope.event.type)
    ) {
      this.#settle(envelope, waiting, {
        status: 'ignored',
        revision: twin.revision,
        effects: [],
        reason: `a ${twin.kind} does not listen to "${envelope.event.type}"`,
      });
      return [];
    }
    const result = turn(twin, envelope, this.#now, this.#context.destinations);
    if (!('twin' in result)) {
      this.#settle(envelope, waiting, {
        revision: twin.revision,
        effects: [],
        ...result,
      });
      return [];
    }
    if (envelope.folded) {
      this.#signal('telemetry.folded', { twin: keyOf(twin), samples: envelope.folded.samples });
    }
    return this.#accept(twin, result, item);
  }

  /** A twin that does not exist: made, listed as a candidate, or refused, as the source's policy says. */
  #firstTurn(item: Item): Item[] {
    const { envelope, waiting } = item;
    const { home, twin, ifUnknown } = envelope;
    if (ifUnknown === 'candidate' && envelope.kind !== undefined) {
      this.#propose(envelope, envelope.kind);
      this.#settle(envelope, waiting, {
        status: 'rejected',
        code: 'unclaimed',
        reason: `${keyOf(envelope)} waits to be claimed`,
      });
      return [];
    }
    if (ifUnknown !== 'create' || envelope.kind === undefined) {
      throw new EngineError('unknown-twin', `there is no twin ${keyOf(envelope)}`, {
        hint: `Create it with POST /v1/homes/${home}/twins, or let devices register (PROVISIONING).`,
      });
    }
    const kind = this.#context.kinds.get(envelope.kind);
    if (!kind) {
      throw new EngineError('unknown-kind', `there is no kind "${envelope.kind}"`, {
        hint: `Known kinds: ${[...this.#context.kinds.keys()].join(', ')}.`,
      });
    }
    const asked = envelope.event.type === 'twin.created';
    // A first message that its kind refuses must not leave an empty twin behind
    const before = asked ? null : this.#probe(kind, envelope);
    const created = this.#create(kind, envelope, asked);
    this.#signal('twin.created', {
      twin: keyOf(envelope),
      kind: kind.kind,
      source: envelope.source,
    });
    const followUps = this.#accept(null, created, {
      ...item,
      envelope: asked ? envelope : creationOf(envelope),
      waiting: asked ? waiting : null,
    });
    if (asked || before === null) return followUps;
    const born = this.#twins.get(keyOf({ home, twin }));
    return born ? [...followUps, ...this.#nextTurn(born, item)] : followUps;
  }

  /** @throws what the first turn would throw */
  #probe(kind: AnyKind, envelope: Envelope): Turned {
    const born = birth(
      kind,
      creationOf(envelope),
      { name: envelope.twin, room: null, timezone: this.#timezoneOf(envelope.home) },
      this.#now,
      this.#context.destinations,
    );
    turn(born.twin, envelope, this.#now, this.#context.destinations);
    return born;
  }

  #create(kind: AnyKind, envelope: Envelope, asked: boolean): Turned {
    const { name, room } = envelope.event;
    const made = {
      name: asked && typeof name === 'string' ? name : envelope.twin,
      room: asked && typeof room === 'string' ? room : null,
      timezone: this.#timezoneOf(envelope.home),
    };
    const born = birth(
      kind,
      asked ? envelope : creationOf(envelope),
      made,
      this.#now,
      this.#context.destinations,
    );
    if (!this.#homes.get(envelope.home)) {
      const home: HomeRow = {
        id: envelope.home,
        name: envelope.home,
        timezone: made.timezone,
        createdAt: this.#now,
      };
      this.#homes.set(envelope.home, home);
      this.#rows.homes.push(home);
    }
    return born;
  }

  #timezoneOf(home: string): string {
    return this.#homes.get(home)?.timezone ?? this.#context.defaultTimezone;
  }

  #accept(before: LiveTwin | null, turned: Turned, { envelope, depth, waiting }: Item): Item[] {
    const { twin, journal } = turned;
    const key = keyOf(twin);
    this.#twins.set(key, twin);
    this.#turned.add(key);
    this.#rows.journal.push(journal);
    this.#rows.withdrawn.push(...turned.withdrawn);
    for (const row of turned.outbox) this.#rows.outbox.push(row);
    if (turned.withdrawn.length > 0) {
      // What this very batch asked for and took back again never leaves it
      const gone = new Set(turned.withdrawn);
      this.#rows.outbox = this.#rows.outbox.filter((row) => !gone.has(row.id));
    }
    for (const intent of turned.intents) this.#intents.set(intent.id, intent);
    for (const alert of turned.alerts) this.#alerts.set(alert.id, alert);
    for (const rollup of turned.rollups) this.#mergeRollup(rollup);
    // Replay cannot fold what an older version of the kind did: it begins where the new one took over
    if (before?.migratedFrom !== undefined) this.#checkpoint(before);
    if (twin.revision % this.#context.checkpointEvery === 0) this.#checkpoint(twin);
    if (twin.room !== (before?.room ?? null)) this.#relate(before, twin);
    if (turned.timer) {
      const { id, lateMs, fired } = turned.timer;
      this.#signal(fired ? 'timer.fired' : 'timer.skipped', { twin: key, timer: id, lateMs });
    }
    this.#turnedOnes.push(turned);
    const effects = journal.effects.map(({ id }) => id);
    this.#settle(
      envelope,
      waiting,
      turned.status === 'late'
        ? {
            status: 'ignored',
            revision: twin.revision,
            effects,
            reason: 'older than the last event of its type: kept in the journal, not folded',
          }
        : { status: 'accepted', revision: twin.revision, effects },
    );
    return turned.followUps.map((followUp) => ({
      envelope: this.#carry(envelope, followUp),
      depth: depth + 1,
      waiting: null,
    }));
  }

  /** A follow-up as an envelope of the same home, in the same chain of causes. */
  #carry(parent: Envelope, followUp: FollowUp): Envelope {
    return {
      id: followUp.id,
      dedupe: false,
      home: parent.home,
      twin: followUp.to,
      event: followUp.event,
      at: this.#now,
      source: followUp.source,
      cause: parent.id,
      correlation: parent.correlation,
      principal: parent.principal,
      ifUnknown: 'reject',
    };
  }

  /** Fires what is due of a twin; where nothing is, corrects the bound that woke it. */
  #wake(address: Address): Item[] {
    const key = keyOf(address);
    const followUps: Item[] = [];
    for (let turns = 0; turns < WAKE_TURNS; turns++) {
      const twin = this.#twins.get(key);
      if (!twin) return followUps;
      const event = dueEvent(twin, this.#now);
      if (!event) break;
      const revision = twin.revision;
      followUps.push(
        ...this.#turn({ envelope: this.#timerEnvelope(twin, event), depth: 0, waiting: null }),
      );
      // What fails would be due for ever: it passes unheard, and its dead letter keeps it
      if (this.#twins.get(key)?.revision === revision) {
        const passed = this.#timerEnvelope(twin, { ...event, failed: true });
        followUps.push(...this.#turn({ envelope: passed, depth: 0, waiting: null }));
      }
    }
    const twin = this.#twins.get(key);
    if (twin) {
      const wakeAt = nextDue(twin.state);
      if (wakeAt !== twin.wakeAt) {
        const moved = { ...twin, wakeAt };
        this.#twins.set(key, moved);
        this.#moved.add(key);
      }
    }
    return followUps;
  }

  #timerEnvelope({ home, twin, revision }: LiveTwin, event: EventData): Envelope {
    const what = event.type === 'timer.fired' ? event.timer : (event.intent ?? event.type);
    const id = `${home}/${twin}@${revision + 1}!${String(what)}`;
    // A deadline continues the chain of the command that it belongs to; a timer begins one
    const intent = this.#twins
      .get(keyOf({ home, twin }))
      ?.state.pending.find((pending) => pending.id === event.intent);
    return {
      id,
      dedupe: false,
      home,
      twin,
      event,
      at: this.#now,
      source: 'timer',
      cause: intent?.cause ?? null,
      correlation: intent?.correlation ?? id,
      principal: intent?.principal ?? 'engine',
      ifUnknown: 'reject',
    };
  }

  // ── rows ───────────────────────────────────────────────────────────────────────────────────

  #mergeRollup(row: RollupRow): void {
    const key = `${row.home}/${row.twin}/${row.measurement}/${row.resolution}/${row.start}`;
    const known = this.#rollups.get(key);
    this.#rollups.set(key, known ? mergeStats(known, row) : row);
  }

  #checkpoint({ home, twin, revision, kind, version, state }: LiveTwin): void {
    this.#rows.checkpoints.push({ home, twin, revision, kind, version, state, at: this.#now });
  }

  /** A twin has come into a room or left one: both sides know from now on. */
  #relate(before: LiveTwin | null, twin: LiveTwin): void {
    const { home, twin: member, room } = twin;
    this.#rows.relations = this.#rows.relations.filter(
      (row) => row.home !== home || row.twin !== member || row.name !== 'room',
    );
    this.#rows.relations.push({
      home,
      twin: member,
      name: 'room',
      targets: room === null ? [] : [room],
    });
    if (before?.room) this.#setMember(home, before.room, member, false);
    if (room !== null) this.#setMember(home, room, member, true);
  }

  #setMember(home: string, room: string, member: string, belongs: boolean): void {
    const key = keyOf({ home, twin: room });
    this.#memberships.push({ room: key, member, belongs });
    const known = this.#twins.get(key) ?? this.#context.hot(key);
    if (!known) return;
    this.#twins.set(key, withMember(known, member, belongs));
    this.#related.add(key);
  }

  #propose(envelope: Envelope, kind: string): void {
    const key = keyOf(envelope);
    const known = this.#candidates.get(key);
    this.#candidates.set(key, {
      home: envelope.home,
      twin: envelope.twin,
      kind,
      via: envelope.via ?? null,
      firstSeenAt: known?.firstSeenAt ?? this.#now,
      lastSeenAt: this.#now,
      messages: (known?.messages ?? 0) + (envelope.folded?.samples ?? 1),
      lastEvent: envelope.event,
    });
  }

  #refuse(envelope: Envelope, waiting: Waiting[] | null, error: EngineError): void {
    if (
      !envelope.answered ||
      error.code === 'machine-failed' ||
      error.code === 'state-unreadable'
    ) {
      this.#rows.deadLetters.push(deadLetter(this.#context.newId(), envelope, error, this.#now));
      this.#signal('dead-letter.kept', {
        code: error.code,
        home: envelope.home,
        twin: envelope.twin,
        error: error.message,
      });
    }
    this.#settle(envelope, waiting, {
      status: 'rejected',
      code: error.code,
      reason: error.message,
      ...(error.hint !== undefined && { hint: error.hint }),
    });
  }

  #settle(envelope: Envelope, waiting: Waiting[] | null, receipt: Receipt): void {
    this.#signal('event.settled', { status: receipt.status, source: sourceOf(envelope) });
    if (waiting) this.#receipts.push({ waiting, envelope, receipt });
  }

  #signal<N extends keyof EngineSignals>(name: N, fields: EngineSignals[N]): void {
    this.#signals.push({ name, fields } as Signal);
  }
}

function withMember(room: LiveTwin, member: string, belongs: boolean): LiveTwin {
  const members = (room.relations.members ?? []).filter((other) => other !== member);
  if (belongs) members.push(member);
  return { ...room, relations: { ...room.relations, members } };
}

function addressOf(mail: Exclude<Mail, { type: 'task' }>): Address {
  return mail.type === 'envelope' ? mail.envelope : mail.address;
}

/** The first deadline that has come: a timer, or a command nobody confirmed. */
function dueEvent({ state }: LiveTwin, now: number): EventData | null {
  const intent = state.pending.find(({ expiresAt }) => expiresAt <= now);
  let timer: (typeof state.timers)[number] | undefined;
  for (const candidate of state.timers) {
    if (candidate.due <= now && (!timer || candidate.due < timer.due)) timer = candidate;
  }
  if (timer && (!intent || timer.due <= intent.expiresAt)) {
    return { type: 'timer.fired', timer: timer.id, due: timer.due };
  }
  return intent ? { type: 'intent.expired', intent: intent.id } : null;
}

/** The creation that a device's first message brings about. */
function creationOf(envelope: Envelope): Envelope {
  const { folded: _folded, ...rest } = envelope;
  return {
    ...rest,
    id: `${envelope.id}:created`,
    dedupe: false,
    event: { type: 'twin.created' },
    source: 'engine',
    cause: envelope.id,
  };
}

function isTold({ event }: Envelope): boolean {
  return !/^(timer|intent|twin|alert)\.|^ack$/.test(event.type);
}

/** The door, for counting: twins that tell are one. */
function sourceOf({ source }: Envelope): string {
  return source.includes('/') ? 'twin' : source;
}

function rowOf(twin: LiveTwin) {
  const { relations: _r, kindOf: _k, snapshot: _s, view: _v, migratedFrom: _m, ...row } = twin;
  return row;
}

function changesOf(turned: readonly Turned[], { intents, alerts }: Rows): Change[] {
  return [
    ...turned.map(changeOf),
    ...intents.map(
      (intent): Change => ({ type: 'intent', home: intent.home, twin: intent.twin, intent }),
    ),
    ...alerts.map(
      (alert): Change => ({ type: 'alert', home: alert.home, twin: alert.twin, alert }),
    ),
  ];
}

function changeOf({ twin, journal }: Turned): Change {
  return {
    type: 'twin',
    home: twin.home,
    twin: twin.twin,
    kind: twin.kind,
    revision: twin.revision,
    at: journal.at,
    event: journal.event,
    eventId: journal.eventId,
    cause: journal.cause,
    correlation: journal.correlation,
    state: twin.state.value as Change extends { state: infer S } ? S : never,
    reported: twin.view.reported,
    desired: twin.view.desired,
    effects: journal.effects,
  };
}

export function deadLetter(
  id: string,
  envelope: Envelope,
  error: EngineError,
  now: number,
): DeadLetterRow {
  return {
    id,
    home: envelope.home,
    twin: envelope.twin,
    source: sourceOf(envelope),
    code: error.code,
    error: error.message,
    hint: error.hint ?? null,
    at: now,
    attempts: 1,
    content: { type: 'envelope', envelope },
  };
}

function asEngineError(thrown: unknown): EngineError {
  if (thrown instanceof EngineError) return thrown;
  return new EngineError('machine-failed', messageOf(thrown), {
    hint: 'A bug in the kind or the engine; the twin is as it was before.',
    cause: thrown,
  });
}
