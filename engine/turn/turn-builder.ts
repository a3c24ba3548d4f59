import type { z } from 'zod';
import { persist, type Snapshot, type Step, step } from '../kernel/kernel.ts';
import type { AnyEffect, RecordedEffect } from '../model/effect.ts';
import {
  type Address,
  type Envelope,
  type EventData,
  idHash,
  isExternal,
  keyOf,
} from '../model/envelope.ts';
import { EngineError } from '../model/errors.ts';
import { type Json, type JsonObject, sameJson } from '../model/json.ts';
import type { Measurements } from '../model/kind.ts';
import { labelChanges } from '../model/labels.ts';
import type { Lease, Leases, Overruling } from '../model/lease.ts';
import { own } from '../model/own.ts';
import { parseSafely } from '../model/parse-safely.ts';
import type { AlertRow, IntentStatus, IntentWrite, LogRow, RollupRow } from '../model/rows.ts';
import { effectId } from '../model/turn-ids.ts';
import type { ActiveAlert, PendingIntent, TwinState } from '../model/twin-state.ts';
import { deliveriesOf } from './deliveries.ts';
import {
  type CommandRequest,
  intentEvent,
  intentRow,
  meet,
  openIntent,
  specOf,
} from './intents.ts';
import {
  type Arbitration,
  arbitrate,
  endLeases,
  heldOff,
  holderOf,
  type Overruled,
  priorityOf,
  strayed,
} from './leases.ts';
import type { LiveTwin } from './live-twin.ts';
import { addSample, isMeasurable, MEASUREMENT_LIMIT } from './rollups.ts';
import { remember } from './seen.ts';
import { arm, delayTimer, disarm, lazyWakeAt, nextDue, scheduleTimer } from './timers.ts';
import type { Destinations, FollowUp, Turned } from './turned.ts';

/** Outcomes of its own commands that a machine may hear of in one turn; beyond it is in a loop. */
const MAX_OUTCOMES = 32;

/**
 * The next revision of a twin in the making: a turn feeds events into it and reads the rows off at
 * the end. Nothing of the former revision is ever changed; a turn that throws leaves no trace.
 */
export class TurnBuilder {
  readonly state: TwinState;
  name: string;
  room: string | null;

  readonly #before: LiveTwin;
  readonly #envelope: Envelope;
  readonly #now: number;
  readonly #destinations: Destinations;
  readonly #revision: number;
  readonly #address: Address;
  #snapshot: Snapshot;
  #effects: RecordedEffect[] = [];
  #intents = new Map<string, IntentWrite>();
  #alerts = new Map<string, AlertRow>();
  #withdrawn: string[] = [];
  #rollups: RollupRow[] = [];
  #followUps: FollowUp[] = [];
  #overruled: Overruling[] = [];
  /** What has become of its commands, for the machine to hear at the end of the turn. */
  #outcomes: EventData[] = [];

  constructor(before: LiveTwin, envelope: Envelope, now: number, destinations: Destinations) {
    this.#before = before;
    this.#envelope = envelope;
    this.#now = now;
    this.#destinations = destinations;
    this.#revision = before.revision + 1;
    this.#address = { home: before.home, twin: before.twin };
    this.#snapshot = before.snapshot;
    this.state = { ...before.state };
    this.name = before.name;
    this.room = before.room;
  }

  /** Gives the machine an event and interprets what it asks for. */
  feed(event: EventData, at: number): void {
    const { kindOf } = this.#before;
    const { facts } = this.#envelope;
    const weight = kindOf.passesWishesOn && { senderPriority: priorityOf(this.#envelope) };
    const told: EventData & { at: number } = { ...event, at };
    if (weight) told.senderPriority = weight.senderPriority;
    if (facts) told.facts = facts;
    this.take(step(kindOf, this.#snapshot, told));
  }

  /** Takes a step's outcome, in the order in which the machine asked. */
  take({ snapshot, actions }: Step): void {
    this.#snapshot = snapshot;
    for (const action of actions) {
      switch (action.type) {
        case 'emit':
          this.#effect(action.effect);
          break;
        case 'arm': {
          const due = this.#now + action.delayMs;
          this.state.timers = arm(
            this.state.timers,
            delayTimer(this.#before.kindOf, action.id, action.event, due),
          );
          break;
        }
        case 'cancel':
          this.state.timers = disarm(this.state.timers, action.id);
          break;
      }
    }
  }

  #effect(effect: AnyEffect): void {
    const id = this.#effectId(this.#effects.length);
    switch (effect.type) {
      case 'command':
        this.command(effect);
        return;
      case 'alert':
        if (effect.state === 'raised') this.#raise(effect.key, id, effect);
        else this.#clear(effect.key);
        break;
      case 'tell': {
        const recipients = this.#recipients(effect.to);
        // Nobody stands in that relation: nothing was told, so nothing is written down
        if (recipients.length === 0) return;
        for (const to of recipients) {
          this.#followUps.push({
            to,
            id: effect.ref === undefined ? id : `${id}~${effect.ref}`,
            event: effect.event as EventData,
            source: keyOf(this.#before),
            sender: effect.authored ? 'rule' : 'twin',
            ...(effect.claim && { claim: effect.claim }),
          });
        }
        break;
      }
      case 'schedule':
        this.state.timers = arm(this.state.timers, scheduleTimer(effect, this.#now));
        break;
      case 'unschedule':
        this.state.timers = disarm(this.state.timers, effect.id);
        break;
      // What leaves the house is worked out from the journal: log/deliveries.ts
      case 'retrain':
      case 'notify':
      case 'webhook':
      case 'withheld':
        break;
      default:
        throw new EngineError(
          'machine-failed',
          `"${(effect as { type: string }).type}" is not an effect`,
          { hint: 'Emit one of the effects in engine/model/effect.ts.' },
        );
    }
    this.#effects.push({ ...effect, id });
  }

  /** Takes what is desired, as far as nobody else holds it. */
  desire({ type, ...values }: EventData, at: number): void {
    const envelope = this.#envelope;
    const before: Leases = this.state.leases ?? {};
    if (!this.state.leases && !envelope.claim) {
      this.feed({ type, ...values }, at);
      return;
    }
    const claim = { ...envelope.claim, priority: priorityOf(envelope) };
    const isClaimed = envelope.claim !== undefined;
    const wanted = { ...claim, isClaimed, holder: holderOf(envelope), now: this.#now };
    const result = arbitrate(before, this.#before.view.desired, {
      ...wanted,
      values: values as JsonObject,
    });
    this.#arbitrated(result);
    const counts = Object.entries(result.values).filter(
      ([key, value]) =>
        result.granted.includes(key) ||
        !sameJson(value, own(before, key)?.leases[0]?.value ?? null),
    );
    if (counts.length > 0) this.feed({ type, ...Object.fromEntries(counts) }, at);
  }

  /** What something else than a wish has changed of a leased key (a hand at the device, the twin itself) is weighed like one. */
  holdFast(): void {
    const { leases } = this.state;
    if (!leases) return;
    const { desired } = this.#before.kindOf.view(this.#snapshot.context);
    const values = strayed(leases, desired);
    if (Object.keys(values).length === 0) return;
    const envelope = this.#envelope;
    const result = arbitrate(leases, desired, {
      ...{ holder: holderOf(envelope), priority: priorityOf(envelope), now: this.#now },
      isClaimed: false,
      values,
    });
    this.#arbitrated(result);
    this.#desireAgain(result.values, values);
  }

  /** Ends leases; what was wanted beneath them counts again. @returns false: there was none */
  endLeases(isOver: (lease: Lease) => boolean, heard = true): boolean {
    const { leases } = this.state;
    if (!leases) return false;
    const { desired } = this.#before.view;
    const ended = endLeases(leases, isOver);
    if (sameJson(ended.leases as unknown as Json, leases as unknown as Json)) return false;
    this.#setLeases(ended.leases);
    if (heard) this.#desireAgain(ended.values, desired);
    return true;
  }

  /** Who keeps the sender of a command off what it would change; null: nobody. */
  heldOff(keys: readonly string[]): ReturnType<typeof heldOff> {
    const { leases } = this.state;
    const envelope = this.#envelope;
    const sender = { holder: holderOf(envelope), priority: priorityOf(envelope), now: this.#now };
    return leases ? heldOff(leases, keys, sender) : null;
  }

  #arbitrated({ leases, overruled }: Arbitration): void {
    this.#setLeases(leases);
    for (const one of overruled) {
      const { holder, ...overruling } = one;
      if (holder === holderOf(this.#envelope)) this.#overruled.push(overruling);
      this.#tellOverruled(one);
    }
  }

  #setLeases(leases: Leases): void {
    if (Object.keys(leases).length > 0) this.state.leases = leases;
    else delete this.state.leases;
  }

  #tellOverruled({ holder, keys, by, until }: Overruled): void {
    const [home, twin] = holder.split('/');
    // People read it where the twin is shown
    if (home !== this.#address.home || twin === undefined) return;
    const { id } = this.#envelope;
    this.followUp(twin, {
      type: 'desired.overruled',
      twin: this.#address.twin,
      ...{ keys, by, until },
      // Which of its wishes that was; none of them where a later one of somebody else's came
      ...(holder === holderOf(this.#envelope) && { wish: id }),
    });
  }

  /** Says to the machine what counts where that is not so yet; what its kind cannot take back stays. */
  #desireAgain(values: JsonObject, now: JsonObject): void {
    for (const [key, value] of Object.entries(values)) {
      if (sameJson(value, own(now, key) ?? null)) continue;
      const schema = own<z.ZodObject>(this.#before.kindOf.events, 'desired.changed');
      const parsed = schema && parseSafely(schema, { [key]: value });
      if (!parsed?.success) continue;
      this.feed({ ...(parsed.data as JsonObject), type: 'desired.changed' }, this.#now);
    }
  }

  /** Opens an intent and sends its command on its way. */
  command(request: CommandRequest): void {
    const id = this.#effectId(this.#effects.length);
    const checked = specOf(this.#before.kindOf, request);
    if (checked.spec.supersedes ?? true) {
      for (const older of this.state.pending) {
        if (older.name === request.name) this.endIntent(older, 'superseded');
      }
    }
    const { id: cause, correlation, principal } = this.#envelope;
    const intent = openIntent(id, request, checked, { cause, correlation, principal }, this.#now);
    this.state.pending = [...this.state.pending, intent];
    this.#intents.set(id, intentRow(this.#address, intent, 'pending', this.#now));
    const { name, args, expiresAt, expect } = intent;
    const ttl = expiresAt - this.#now;
    this.#effects.push(
      expect
        ? { type: 'command', id, name, args, ttl, expect }
        : { type: 'command', id, name, args, ttl },
    );
  }

  /** A command that is not sent: its intent fails at once. */
  refuse(request: CommandRequest, error: string): void {
    const id = this.#effectId(this.#effects.length);
    const checked = specOf(this.#before.kindOf, request);
    const { id: cause, correlation, principal } = this.#envelope;
    const intent = openIntent(id, request, checked, { cause, correlation, principal }, this.#now);
    this.#intents.set(id, intentRow(this.#address, intent, 'failed', this.#now, error));
    const { name, args, expiresAt } = intent;
    this.#effects.push({
      ...{ type: 'command', id, name, args },
      ttl: expiresAt - this.#now,
      refused: true,
    });
  }

  ackIntent(intent: PendingIntent): void {
    const acked: PendingIntent = { ...intent, status: 'acked', ackedAt: this.#now };
    this.state.pending = this.state.pending.map((other) => (other.id === acked.id ? acked : other));
    this.#intents.set(acked.id, intentRow(this.#address, acked, 'acked', this.#now));
    this.#tellOutcome(acked, 'acked');
  }

  /** Brings an intent to its end and tells the machine, if it listens and is `heard` at all. */
  endIntent(intent: PendingIntent, status: IntentStatus, error?: string, heard = true): void {
    this.state.pending = this.state.pending.filter((other) => other.id !== intent.id);
    this.#intents.set(
      intent.id,
      intentRow(this.#address, intent, status, this.#now, error ?? null),
    );
    if (status !== 'failed') this.#withdrawn.push(intent.id);
    if (heard) this.#tellOutcome(intent, status, error);
  }

  /** Holds this turn's report against what open commands expect. */
  confirm(): void {
    const before = this.#before.view.reported;
    const earlier = this.state.pending.filter(
      (intent) => intent.expect && !this.#intents.has(intent.id),
    );
    if (earlier.length === 0) return;
    const { reported } = this.#before.kindOf.view(this.#snapshot.context);
    const said = this.#envelope.event;
    const fresh = (key: string) =>
      (said.type === 'telemetry' && own(said, key) !== undefined) ||
      !sameJson(own(before, key), own(reported, key));
    for (const intent of earlier) {
      const met = meet(intent, reported, fresh);
      if (met.confirmed) this.endIntent(intent, 'confirmed');
      else if (met.intent !== intent) {
        this.state.pending = this.state.pending.map((p) => (p.id === intent.id ? met.intent : p));
      }
    }
  }

  /** Gathers the turn's measurements. @throws EngineError `bad-input` for a number that is none */
  sample(at: number): void {
    const { kindOf, view } = this.#before;
    const names: Measurements =
      typeof kindOf.measurements === 'function'
        ? kindOf.measurements(this.#snapshot.context)
        : kindOf.measurements;
    const { event, folded } = this.#envelope;
    const reported =
      event.type === 'telemetry' ? undefined : kindOf.view(this.#snapshot.context).reported;
    let buckets: TwinState['buckets'] | undefined;
    for (const name of Object.keys(names)) {
      const value = reported
        ? reported[name] === view.reported[name]
          ? undefined
          : reported[name]
        : event[name];
      if (typeof value !== 'number') continue;
      if (!isMeasurable(value)) throw unmeasurable(event.type, name, value);
      const stats = folded?.fields[name];
      buckets ??= { ...this.state.buckets };
      const sample = stats
        ? { at, ...stats, last: value }
        : { at, count: 1, sum: value, min: value, max: value, last: value };
      const added = addSample(this.#address, name, own(buckets, name), sample);
      buckets[name] = added.open;
      this.#rollups.push(...added.rows);
    }
    if (buckets) this.state.buckets = buckets;
  }

  setAlert(key: string, alert: ActiveAlert, status: AlertRow['status']): void {
    if (status === 'cleared') {
      const { [key]: _cleared, ...others } = this.state.alerts;
      this.state.alerts = others;
    } else this.state.alerts = { ...this.state.alerts, [key]: alert };
    this.#alerts.set(alert.id, {
      ...alert,
      ...this.#address,
      key,
      status,
      clearedAt: status === 'cleared' ? this.#now : null,
    });
  }

  #raise(
    key: string,
    id: string,
    effect: { severity: ActiveAlert['severity']; message: string; data?: JsonObject },
  ): void {
    if (own(this.state.alerts, key)) return;
    const { id: cause, correlation } = this.#envelope;
    this.setAlert(
      key,
      {
        id,
        severity: effect.severity,
        message: effect.message,
        data: effect.data ?? null,
        raisedAt: this.#now,
        acknowledgedAt: null,
        acknowledgedBy: null,
        cause,
        correlation,
      },
      'raised',
    );
  }

  #clear(key: string): void {
    const active = own(this.state.alerts, key);
    if (active) this.setAlert(key, active, 'cleared');
  }

  /** An event for another twin of the home that the engine, not the machine, has to say. */
  followUp(to: string, event: EventData): void {
    const id = `${this.#effectId(this.#followUps.length)}:${event.type}`;
    this.#followUps.push({ to, id, event, source: 'engine', sender: 'engine' });
  }

  #tellOutcome(intent: PendingIntent, status: IntentStatus, error?: string): void {
    const event = intentEvent(intent, status, error);
    if (!(event.type in this.#before.kindOf.events)) return;
    this.#outcomes.push(event);
  }

  #effectId(n: number): string {
    return effectId(this.#address, this.#revision, this.#before.life, n);
  }

  #recipients(to: string | { relation: string }): string[] {
    return typeof to === 'string' ? [to] : (this.#before.relations[to.relation] ?? []);
  }

  /** The rows of the turn. */
  finish(status: Turned['status']): Turned {
    this.#hearOutcomes();
    const before = this.#before;
    const envelope = this.#envelope;
    const external = isExternal(envelope);
    const { value, historyValue, context } = persist(this.#snapshot);
    const { state } = this;
    state.value = value;
    state.historyValue = historyValue;
    state.context = context;
    // What comes through a door of the composition root may come again, too
    if (external || envelope.dedupe) this.#remember(envelope);

    const born = before.revision < 0;
    // What a migration of the kind has changed is in no turn: the first one after it tells all
    const isNew = born || before.migratedFrom !== undefined;
    const view =
      this.#snapshot.context === before.snapshot.context
        ? before.view
        : before.kindOf.view(this.#snapshot.context);
    const isDesiredNew =
      (view.desired !== before.view.desired && !sameJson(view.desired, before.view.desired)) ||
      (born && Object.keys(view.desired).length > 0);
    const via = envelope.via ?? before.via;
    const relations =
      this.room === before.room
        ? before.relations
        : { ...before.relations, room: this.room === null ? [] : [this.room] };
    // Spelt out, as copying with `...` costs several times more; `migratedFrom` ends here
    const twin: LiveTwin = {
      home: before.home,
      twin: before.twin,
      kind: before.kind,
      incarnation: before.incarnation,
      epoch: before.epoch,
      life: before.life,
      version: before.version,
      name: this.name,
      room: this.room,
      via,
      revision: this.#revision,
      state,
      createdAt: before.createdAt,
      relations,
      kindOf: before.kindOf,
      snapshot: this.#snapshot,
      view,
      wakeAt: lazyWakeAt(before.wakeAt, nextDue(this.state)),
      updatedAt: this.#now,
      lastEventAt:
        external && !born ? Math.max(before.lastEventAt ?? 0, envelope.at) : before.lastEventAt,
    };
    const journal: LogRow = {
      home: before.home,
      twin: before.twin,
      revision: this.#revision,
      at: envelope.at,
      receivedAt: this.#now,
      event: journaled(envelope),
      eventId: envelope.id,
      source: envelope.source,
      cause: envelope.cause,
      correlation: envelope.correlation,
      principal: envelope.principal,
      dedupe: envelope.dedupe,
      late: status === 'late',
      state: isNew || !sameJson(value, before.state.value) ? (value as Json) : null,
      reported: labelChanges(isNew ? {} : before.view.reported, view.reported),
      effects: this.#effects,
      desired: isDesiredNew ? view.desired : null,
      epoch: before.epoch,
      writer: -1,
      seq: 0,
    };
    const deliveries = deliveriesOf(journal, twin, this.#destinations);
    return {
      status,
      twin,
      journal,
      intents: [...this.#intents.values()],
      alerts: [...this.#alerts.values()],
      deliveries:
        this.#withdrawn.length === 0
          ? deliveries
          : deliveries.filter(({ id }) => !this.#withdrawn.includes(id)),
      withdrawn: this.#withdrawn,
      rollups: this.#rollups,
      followUps: this.#followUps,
      overruled: this.#overruled,
    };
  }

  #hearOutcomes(): void {
    for (let heard = 0; ; heard++) {
      const outcome = this.#outcomes.shift();
      if (!outcome) return;
      if (heard === MAX_OUTCOMES) {
        throw new EngineError(
          'machine-failed',
          `${keyOf(this.#before)} answers the outcomes of its commands with commands without end`,
          { hint: 'Do not send a command again from the event that says it was superseded.' },
        );
      }
      this.feed(outcome, this.#now);
    }
  }

  #remember(envelope: Envelope): void {
    const ids = envelope.folded?.ids ?? [idHash(envelope.id)];
    this.state.seen = remember(this.state.seen, ids, this.#now);
    const { type } = envelope.event;
    const latest = own(this.state.lastAt, type);
    if (latest === undefined || envelope.at > latest) {
      this.state.lastAt = { ...this.state.lastAt, [type]: envelope.at };
    }
  }
}

/** The event with what the engine adds to it and replay needs. */
function journaled({ event, folded, facts, claim }: Envelope): EventData {
  if (!folded && !facts && !claim) return event;
  return {
    ...event,
    ...(folded && { folded: folded as unknown as Json }),
    ...(facts && { facts }),
    ...(claim && { claim: claim as unknown as Json }),
  };
}

function unmeasurable(type: string, name: string, value: number): EngineError {
  return new EngineError('bad-input', `${type}: ${name}: ${value} cannot be a measurement`, {
    hint: `A measurement lies between -${MEASUREMENT_LIMIT} and ${MEASUREMENT_LIMIT}; leave out what was not measured.`,
  });
}
