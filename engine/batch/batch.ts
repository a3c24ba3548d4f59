/**
 * Many envelopes folded into one commit: the only place where twins change. Effects are rows here,
 * deeds later.
 */
import { setImmediate as nextTick } from 'node:timers/promises';
import type { HomeChange } from '../log/change.ts';
import { assertDeviceKind } from '../model/device-kinds.ts';
import {
  type Address,
  type Envelope,
  type EventData,
  idHash,
  isExternal,
  keyOf,
} from '../model/envelope.ts';
import { EngineError, messageOf } from '../model/errors.ts';
import type { Facts } from '../model/facts.ts';
import { sameJson } from '../model/json.ts';
import type { AnyKind } from '../model/kind.ts';
import { observedId } from '../model/turn-ids.ts';
import { assertMaySay } from '../model/vocabulary.ts';
import type { Send } from '../outbox/sends.ts';
import type { Census } from '../storage/port.ts';
import { observationOf } from '../turn/aspect.ts';
import { deadlineEnvelope, dueEvent } from '../turn/deadlines.ts';
import type { LiveTwin } from '../turn/live-twin.ts';
import { hasSeen } from '../turn/seen.ts';
import { stateFlaw } from '../turn/state-size.ts';
import { nextDue } from '../turn/timers.ts';
import { birth, turn } from '../turn/turn.ts';
import type { Destinations, FollowUp, Turned, TurnResult } from '../turn/turned.ts';
import { beginning, following, goesOn, type Item, WIDE_TURNS } from './cascade.ts';
import {
  CommitBuilder,
  deadLetter,
  type Rows,
  type Sending,
  type Settled,
  type Signal,
} from './commit-builder.ts';
import type { HomeCosts } from './home-costs.ts';
import { bytesOf, type JournalDays, type Written } from './journal-days.ts';
import type { Mail, Waiting } from './mail.ts';
import { type HomeObservers, WATCHES, watchTargets } from './observers.ts';
import { JOURNAL_BYTES } from './quotas.ts';
import { WorkingSet, type WorkingSetSource } from './working-set.ts';

/** What a batch needs to know of its surroundings. */
export interface BatchContext extends WorkingSetSource {
  destinations: Destinations;
  defaultTimezone: string;
  checkpointEvery: number;
  /** Bytes of JSON that the state of a twin may have. */
  stateBytes: number;
  newId: () => string;
  /** Kinds whose twins do not act: see `impulses`. */
  heldBack: ReadonlySet<string>;
  journalDays: Pick<JournalDays, 'usedBy' | 'isTold'>;
  /** Of kinds that have `impulses`. */
  costs: HomeCosts;
}

/** A batch before its commit. */
export interface FoldedBatch {
  rows: Rows;
  /** False when nothing has to be stored. */
  changed: boolean;
  turns: number;
  /** Turns that the mail which led to most of them led to. */
  widest: number;
  /** All twins whose copy in memory is another now. */
  twins: LiveTwin[];
  /** Homes of which memory does not know yet who watches whom, or not what it is now. */
  watches: { home: string; watches: HomeObservers }[];
  /** How many twins there are in homes in which one may have come into being. */
  censuses: { home: string; census: Census }[];
  written: Written;
  receipts: Settled[];
  sendings: Sending[];
  changes: (sendOf: (id: string) => Send, isFollowed: (home: string) => boolean) => HomeChange[];
  signals: Signal[];
}

/** What a turn has led to. */
interface Led {
  /** Has those turn who watch the twin, before anything else happens; null: nobody does. */
  observe: ((next: Item[]) => Generator<undefined, void>) | null;
  /** For the next round. */
  told: Item[];
}
const NOTHING: Led = { observe: null, told: [] };

/** For how long a batch is folded without a pause, ms. */
const STRETCH_MS = 10;
/** Due timers of one twin that one wake fires; the rest follows in the next batch. */
const WAKE_TURNS = 64;

/**
 * Folds mail of several homes into a commit; after each {@link STRETCH_MS} everyone else has the process. What
 * would hold up the others is left out: of a home in which one mail leads to more than {@link WIDE_TURNS} turns, or
 * whose rules take too long ({@link HomeCosts}), nothing is folded at all, and the answer is that home.
 * @param now the turns' own time, epoch ms
 */
export async function foldBatch(
  context: BatchContext,
  mail: readonly Mail[],
  now: number,
): Promise<FoldedBatch | { wide: ReadonlySet<string> }> {
  const batch = new Batch(context, now, WIDE_TURNS);
  let from = performance.now();
  const fold = batch.fold(mail, () => performance.now() - from > STRETCH_MS);
  // How long it takes changes nothing of what comes of it, only who else has the process meanwhile
  while (!(await fold.next()).done) {
    await nextTick();
    from = performance.now();
  }
  return batch.wide.size > 0 ? { wide: batch.wide } : batch.finish();
}

/**
 * Folds mail of one home, however much it leads to, and pauses after each slice of about so many turns, or of
 * {@link STRETCH_MS}: others have theirs meanwhile, as twins of two homes never meet.
 */
export async function* foldInSlices(
  context: BatchContext,
  mail: readonly Mail[],
  now: number,
  turns: number,
): AsyncGenerator<undefined, FoldedBatch> {
  const batch = new Batch(context, now, Number.POSITIVE_INFINITY);
  let pauseAt = turns;
  let from = performance.now();
  const slices = batch.fold(
    mail,
    () => batch.turns >= pauseAt || performance.now() - from > STRETCH_MS,
  );
  while (!(await slices.next()).done) {
    yield;
    pauseAt = batch.turns + turns;
    from = performance.now();
  }
  return batch.finish();
}

class Batch {
  readonly #context: BatchContext;
  readonly #now: number;
  readonly #workingSet: WorkingSet;
  readonly #commit = new CommitBuilder();
  readonly #wideTurns: number;
  #widest = 0;
  readonly #written = new Map<string, number>();
  /** Twins of which a dead letter tells that their home has written its share. */
  readonly #told = new Set<string>();
  /** Homes that want a batch of their own. */
  readonly wide = new Set<string>();

  constructor(context: BatchContext, now: number, wideTurns: number) {
    this.#context = context;
    this.#now = now;
    this.#wideTurns = wideTurns;
    this.#workingSet = new WorkingSet(context);
  }

  get turns(): number {
    return this.#commit.turns;
  }

  /** @param isSpent whether it is time for a pause */
  async *fold(mail: readonly Mail[], isSpent: () => boolean): AsyncGenerator<undefined, void> {
    await this.#workingSet.load(mail.flatMap((m) => (m.type === 'task' ? [] : [addressOf(m)])));
    await this.#workingSet.loadHomes(
      mail.flatMap((m) => (m.type === 'envelope' ? [m.envelope] : [])),
    );
    let round: Item[] = [];
    for (const m of mail) {
      if (m.type === 'envelope') {
        const led = this.#turn(beginning(m.envelope, m.waiting));
        if (led.observe === null) round.push(...led.told);
        else for (const _ of this.#allOf(led, round)) if (isSpent()) yield;
      } else if (m.type === 'wake') {
        for (const _ of this.#wake(m.address, round)) if (isSpent()) yield;
      }
      if (isSpent()) yield;
    }
    // What twins told each other arrives after what was in their mailboxes before
    while (round.length > 0) {
      await this.#workingSet.load(round.map(({ envelope }) => envelope));
      const next: Item[] = [];
      for (const item of round) {
        const led = this.#turn(item);
        if (led.observe === null) next.push(...led.told);
        else for (const _ of this.#allOf(led, next)) if (isSpent()) yield;
        if (isSpent()) yield;
      }
      round = next;
    }
  }

  finish(): FoldedBatch {
    const { turned, rebound, related } = this.#workingSet.changed();
    const rows = this.#commit.rows(
      turned,
      rebound.map(({ home, twin, wakeAt }) => ({ home, twin, wakeAt })),
    );
    return {
      rows,
      changed: Object.values(rows).some((list) => list.length > 0),
      turns: this.#commit.turns,
      widest: this.#widest,
      twins: [...turned, ...rebound, ...related],
      watches: this.#workingSet.rewatched(),
      censuses: this.#workingSet.counted(),
      written: { now: this.#now, bytes: this.#written, told: [...this.#told] },
      receipts: this.#commit.receipts,
      sendings: this.#commit.sendings(),
      changes: (sendOf, isFollowed) => this.#commit.changes(sendOf, isFollowed),
      signals: this.#commit.signals,
    };
  }

  /** One envelope. What follows from it has not happened yet. */
  #turn(item: Item): Led {
    const { envelope, cascade } = item;
    // Its batch of its own begins anew
    if (this.wide.has(envelope.home)) return NOTHING;
    return this.#refusing(item, () => {
      if (!goesOn(item)) return NOTHING;
      this.#widest = Math.max(this.#widest, cascade.turns);
      if (cascade.turns > this.#wideTurns) {
        this.wide.add(envelope.home);
        return NOTHING;
      }
      const existing = this.#workingSet.twin(envelope);
      if (existing === null) return this.#firstTurn(item);
      return this.#costing(existing, () => this.#nextTurn(existing, item));
    });
  }

  /** Counts what a rule takes. A home that takes too much at the others' expense has a batch of its own. */
  #costing<T>({ home, kindOf }: LiveTwin, run: () => T): T {
    if (kindOf.impulses === undefined) return run();
    const { costs } = this.#context;
    const result = costs.measure(home, run);
    if (Number.isFinite(this.#wideTurns) && costs.isOver(home)) this.wide.add(home);
    return result;
  }

  #refusing({ envelope, waiting }: Item, turn: () => Led): Led {
    try {
      return turn();
    } catch (thrown) {
      this.#refuse(envelope, waiting, asEngineError(thrown));
      return NOTHING;
    }
  }

  /** Has observers turn, and adds what is for the next round. Gives way after each turn. */
  *#allOf({ observe, told }: Led, next: Item[]): Generator<undefined, void> {
    if (observe !== null) yield* observe(next);
    next.push(...told);
  }

  #nextTurn(twin: LiveTwin, item: Item): Led {
    const { envelope, waiting } = item;
    assertMaySay(twin.kindOf, envelope);
    if (envelope.event.type === 'twin.created') {
      if (envelope.dedupe && hasSeen(twin.state.seen, idHash(envelope.id))) {
        this.#commit.settle(envelope, waiting, {
          status: 'duplicate',
          revision: twin.revision,
          effects: [],
        });
        return NOTHING;
      }
      throw new EngineError('conflict', `${keyOf(twin)} exists already`, {
        hint: 'PATCH it, or choose another id.',
      });
    }
    this.#assertActs(twin, envelope);
    // A tell to a twin that does not care is no event of its life
    if (
      !isExternal(envelope) &&
      isTold(envelope) &&
      !Object.hasOwn(twin.kindOf.events, envelope.event.type)
    ) {
      this.#commit.settle(envelope, waiting, {
        status: 'ignored',
        revision: twin.revision,
        effects: [],
        reason: `a ${twin.kind} does not listen to "${envelope.event.type}"`,
      });
      return NOTHING;
    }
    const facts = envelope.facts ?? this.#workingSet.factsFor(twin);
    const result = this.#fold(twin, facts ? { ...envelope, facts } : envelope);
    if (!('twin' in result)) {
      this.#commit.settle(envelope, waiting, {
        revision: twin.revision,
        effects: [],
        ...result,
      });
      return NOTHING;
    }
    if (envelope.folded) {
      this.#commit.signal('telemetry.folded', {
        twin: keyOf(twin),
        samples: envelope.folded.samples,
      });
    }
    return this.#accept(twin, result, item);
  }

  /** @throws EngineError `held-back` */
  #assertActs(twin: LiveTwin, { event }: Envelope): void {
    if (!this.#context.heldBack.has(twin.kind)) return;
    const { impulses = [] } = twin.kindOf;
    if (!impulses.includes(event.type) && event.type !== 'timer.fired') return;
    throw new EngineError(
      'held-back',
      `${keyOf(twin)} is held back: twins of its kind do not act`,
      {
        hint: 'The engine was started so; it is the operator who lets them go on.',
      },
    );
  }

  /** @throws EngineError `quota-exceeded` for what a home that has written its share cannot write; what the turn throws */
  #fold(twin: LiveTwin, envelope: Envelope): TurnResult {
    const result = turn(twin, envelope, this.#now, this.#context.destinations);
    const { home } = envelope;
    if ('twin' in result && this.#context.quotas.countsJournal(home)) {
      const used = this.#context.journalDays.usedBy(home, this.#now);
      const written = used + (this.#written.get(home) ?? 0);
      this.#context.quotas.assertMayWrite(envelope, written, this.#now, result);
    }
    return result;
  }

  /** A twin that does not exist: made, listed as a candidate, or refused, as the source's policy says. */
  #firstTurn(item: Item): Led {
    const { envelope, waiting } = item;
    const { home, twin, ifUnknown } = envelope;
    // Somebody's Last Will must not bring back what was deleted
    if (envelope.event.type === 'status' && envelope.sender === 'device') {
      this.#commit.settle(envelope, waiting, {
        status: 'ignored',
        revision: 0,
        effects: [],
        reason: `there is no twin ${keyOf(envelope)}, and a status makes none`,
      });
      return NOTHING;
    }
    const kind = envelope.kind === undefined ? undefined : this.#context.kinds.get(envelope.kind);
    if (kind) this.#assertMayBegin(kind, envelope);
    if (ifUnknown === 'candidate' && envelope.kind !== undefined) {
      this.#commit.candidate(envelope, envelope.kind, this.#now);
      this.#commit.settle(envelope, waiting, {
        status: 'rejected',
        code: 'unclaimed',
        reason: `${keyOf(envelope)} waits to be claimed`,
      });
      return NOTHING;
    }
    if (ifUnknown !== 'create' || envelope.kind === undefined) {
      throw new EngineError('unknown-twin', `there is no twin ${keyOf(envelope)}`, {
        hint: 'Create the twin first, or let devices register (PROVISIONING).',
      });
    }
    if (!kind) {
      throw new EngineError('unknown-kind', `there is no kind "${envelope.kind}"`, {
        hint: `Known kinds: ${[...this.#context.kinds.keys()].join(', ')}.`,
      });
    }
    this.#workingSet.assertRoom(home, kind.kind);
    const asked = envelope.event.type === 'twin.created';
    // A first message that its kind refuses must not leave an empty twin behind
    const before = asked ? null : this.#probe(kind, envelope);
    const created = this.#create(kind, envelope, asked);
    this.#commit.signal('twin.created', {
      twin: keyOf(envelope),
      kind: kind.kind,
      source: envelope.source,
    });
    const creation = this.#accept(null, created, {
      ...item,
      envelope: asked ? envelope : creationOf(envelope),
      waiting: asked ? waiting : null,
    });
    if (asked || before === null) return creation;
    const first = this.#firstMessage(creation, { home, twin }, item);
    return { observe: first, told: [] };
  }

  /** Of a twin that its message has made, once its creation has been observed. */
  #firstMessage(creation: Led, address: Address, item: Item): NonNullable<Led['observe']> {
    const all = this.#allOf.bind(this);
    const turnOf = (): Led => {
      const born = this.#workingSet.twin(address);
      return born ? this.#refusing(item, () => this.#nextTurn(born, item)) : NOTHING;
    };
    return function* (next) {
      yield* all(creation, next);
      yield* all(turnOf(), next);
    };
  }

  /** @throws EngineError `unknown-event`, `unknown-kind` for a device that would be a twin of no device */
  #assertMayBegin(kind: AnyKind, envelope: Envelope): void {
    assertMaySay(kind, envelope);
    if (envelope.sender !== 'engine') assertDeviceKind(this.#context.kinds, kind.kind);
  }

  /** @throws what the first turn would throw */
  #probe(kind: AnyKind, envelope: Envelope): Turned {
    const born = birth(
      kind,
      creationOf(envelope),
      { name: envelope.twin, room: null, ...this.#originOf(envelope.home) },
      this.#now,
      this.#context.destinations,
    );
    this.#fold(born.twin, envelope);
    return born;
  }

  #create(kind: AnyKind, envelope: Envelope, asked: boolean): Turned {
    const { name, room } = envelope.event;
    const made = {
      name: asked && typeof name === 'string' ? name : envelope.twin,
      room: asked && typeof room === 'string' ? room : null,
      ...this.#originOf(envelope.home),
    };
    const born = birth(
      kind,
      asked ? envelope : creationOf(envelope),
      made,
      this.#now,
      this.#context.destinations,
    );
    if (!this.#workingSet.home(envelope.home)) {
      const { home } = envelope;
      const incarnation = this.#context.newId();
      const row = {
        id: home,
        incarnation,
        name: home,
        timezone: made.timezone,
        createdAt: this.#now,
      };
      this.#workingSet.addHome(row);
      this.#commit.home(row);
    }
    return born;
  }

  /** Of a twin that comes into being there. */
  #originOf(home: string): { timezone: string; incarnation: string; epoch: number } {
    const timezone = this.#workingSet.home(home)?.timezone ?? this.#context.defaultTimezone;
    return { timezone, incarnation: this.#context.newId(), epoch: this.#context.epoch() };
  }

  #accept(before: LiveTwin | null, turned: Turned, item: Item): Led {
    const { envelope, waiting } = item;
    const { twin, journal } = turned;
    const flaw = stateFlaw(before?.state ?? null, twin.state, this.#context.stateBytes);
    if (flaw !== null) {
      throw new EngineError('state-too-large', `${keyOf(twin)}: ${flaw}`, {
        hint: 'The turn is undone. Let the twin remember less: shorten lists and texts in its variables or settings.',
      });
    }
    this.#workingSet.turned(twin);
    if (before === null) this.#workingSet.born(twin);
    this.#commit.turn(turned);
    if (this.#context.quotas.countsJournal(twin.home)) {
      this.#written.set(twin.home, (this.#written.get(twin.home) ?? 0) + bytesOf(journal));
    }
    // Replay cannot fold what an older version of the kind did: it begins where the new one took over
    if (before?.migratedFrom !== undefined) this.#commit.checkpoint(before, this.#now);
    if (twin.revision % this.#context.checkpointEvery === 0) {
      this.#commit.checkpoint(twin, this.#now);
    }
    if (twin.room !== (before?.room ?? null)) this.#relate(before?.room ?? null, twin);
    if (turned.timer) {
      const { id, lateMs, fired } = turned.timer;
      const fields = { twin: keyOf(twin), timer: id, lateMs };
      this.#commit.signal(fired ? 'timer.fired' : 'timer.skipped', fields);
    }
    const effects = journal.effects.map(({ id }) => id);
    const { revision } = twin;
    this.#commit.settle(
      envelope,
      waiting,
      turned.status === 'late'
        ? {
            status: 'ignored',
            revision,
            effects,
            reason: 'older than the last event of its type: kept in the journal, not folded',
          }
        : {
            status: 'accepted',
            revision,
            effects,
            ...(turned.overruled.length > 0 && { overruled: turned.overruled }),
          },
    );
    if (twin.kindOf.watches) this.#rewatch(twin);
    const told = turned.followUps.map((followUp) =>
      following(item, this.#carry(envelope, followUp)),
    );
    const watchers = turned.status === 'late' ? [] : this.#workingSet.watchersOf(twin);
    if (watchers.length === 0) return { observe: null, told };
    return { observe: (next) => this.#observe(before, turned, item, watchers, next), told };
  }

  /** Whoever watches the twin and is concerned by its turn has its own turn now, before anything else happens. */
  *#observe(
    before: LiveTwin | null,
    turned: Turned,
    item: Item,
    watchers: readonly string[],
    next: Item[],
  ): Generator<undefined, void> {
    const { twin } = turned;
    const seen = observationOf(before, turned);
    for (const id of watchers) {
      const address: Address = { home: twin.home, twin: id };
      const watcher = id === twin.twin ? null : this.#readable(address);
      if (!watcher || this.#context.heldBack.has(watcher.kind)) continue;
      const { onObserved } = watcher.kindOf;
      if (!onObserved) continue;
      let facts: Facts | undefined;
      const factsNow = () => {
        facts ??= this.#workingSet.factsFor(watcher) ?? {};
        return facts;
      };
      const envelope = (event: EventData): Envelope => ({
        ...this.#carry(item.envelope, {
          to: id,
          id: observedId(twin, twin.revision, twin.life, id),
          event,
          source: keyOf(twin),
          sender: 'engine',
        }),
        facts: factsNow(),
      });
      let led = NOTHING;
      try {
        const event = this.#costing(watcher, () =>
          onObserved(watcher.snapshot.context, seen, factsNow),
        );
        if (event !== null) led = this.#turn(following(item, envelope(event)));
      } catch (thrown) {
        const event = { type: 'observed', twin: twin.twin, turn: seen.turn };
        this.#refuse(envelope(event), null, asEngineError(thrown));
      }
      yield;
      yield* this.#allOf(led, next);
    }
  }

  /** Stores whom a twin watches, where that is others than before. */
  #rewatch(twin: LiveTwin): void {
    const targets = watchTargets(twin);
    if (sameJson(targets, [...(twin.relations[WATCHES] ?? [])].sort())) return;
    this.#commit.relation({
      home: twin.home,
      twin: twin.twin,
      name: WATCHES,
      targets: [...targets],
    });
    this.#workingSet.setWatches(twin, targets);
    this.#workingSet.turned({ ...twin, relations: { ...twin.relations, [WATCHES]: [...targets] } });
  }

  /** A twin has come into a room or left one: both sides know from now on. */
  #relate(former: string | null, twin: LiveTwin): void {
    const { home, twin: member, room } = twin;
    this.#commit.relation({
      home,
      twin: member,
      name: 'room',
      targets: room === null ? [] : [room],
    });
    if (former !== null) this.#workingSet.setMember({ home, twin: former }, member, false);
    if (room !== null) this.#workingSet.setMember({ home, twin: room }, member, true);
  }

  /** A follow-up as an envelope of the same home, in the same chain of causes. */
  #carry(parent: Envelope, followUp: FollowUp): Envelope {
    return {
      id: followUp.id,
      dedupe: false,
      home: parent.home,
      twin: followUp.to,
      event: followUp.event,
      ...(followUp.claim && { claim: followUp.claim }),
      at: this.#now,
      source: followUp.source,
      sender: followUp.sender,
      cause: parent.id,
      correlation: parent.correlation,
      principal: parent.principal,
      ifUnknown: 'reject',
    };
  }

  /** Fires what is due of a twin; where nothing is, corrects the bound that woke it. */
  *#wake(address: Address, next: Item[]): Generator<undefined, void> {
    let twin = this.#readable(address);
    // Its deadlines stay as they are stored
    if (twin && this.#context.heldBack.has(twin.kind)) return;
    for (let turns = 0; twin && turns < WAKE_TURNS && !this.wide.has(twin.home); turns++) {
      const event = dueEvent(twin, this.#now);
      if (!event) break;
      const fire = (what: typeof event, of: LiveTwin) =>
        this.#turn(beginning(deadlineEnvelope(of, what, this.#now), null));
      yield* this.#allOf(fire(event, twin), next);
      const after = this.#readable(address);
      // What fails would be due for ever: it passes unheard, and its dead letter keeps it
      if (after?.revision === twin.revision) {
        yield* this.#allOf(fire({ ...event, failed: true }, twin), next);
      }
      twin = this.#readable(address);
      yield;
    }
    if (!twin) return;
    const wakeAt = nextDue(twin.state);
    if (wakeAt !== twin.wakeAt) this.#workingSet.rebound({ ...twin, wakeAt });
  }

  /** A twin that cannot be read cannot be woken either; its next event says so. */
  #readable(address: Address): LiveTwin | null {
    try {
      return this.#workingSet.twin(address);
    } catch {
      return null;
    }
  }

  #refuse(envelope: Envelope, waiting: Waiting[] | null, error: EngineError): void {
    const isFlaw = error.code === 'machine-failed' || error.code === 'state-unreadable';
    if (error.quota) this.#commit.signal('quota.refused', { quota: error.quota.quota });
    if (!envelope.kept && (!envelope.answered || isFlaw) && !this.#isKnown(envelope, error)) {
      this.#commit.deadLetter(deadLetter(this.#context.newId(), envelope, error, this.#now));
    }
    this.#commit.settle(envelope, waiting, {
      status: 'rejected',
      code: error.code,
      reason: error.message,
      ...(error.hint !== undefined && { hint: error.hint }),
      ...(error.quota && { quota: error.quota }),
    });
  }

  /** Of a home that has written its share, one dead letter a day of each twin tells it: more would be a flood, too. */
  #isKnown(envelope: Envelope, { quota }: EngineError): boolean {
    if (quota?.quota !== JOURNAL_BYTES) return false;
    const twin = keyOf(envelope);
    if (this.#told.has(twin) || this.#context.journalDays.isTold(twin, this.#now)) return true;
    this.#told.add(twin);
    return false;
  }
}

function addressOf(mail: Exclude<Mail, { type: 'task' }>): Address | Envelope {
  return mail.type === 'envelope' ? mail.envelope : mail.address;
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
    sender: 'engine',
    cause: envelope.id,
  };
}

function isTold({ event }: Envelope): boolean {
  return !/^(timer|intent|twin|alert|command|lease)\.|^ack$|^desired\.released$/.test(event.type);
}

function asEngineError(thrown: unknown): EngineError {
  if (thrown instanceof EngineError) return thrown;
  return new EngineError('machine-failed', messageOf(thrown), {
    hint: 'A bug in the kind or the engine; the twin is as it was before.',
    cause: thrown,
  });
}
