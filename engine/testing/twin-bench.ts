import type { Turned, TurnResult } from '../draft.ts';
import type { RecordedEffect } from '../effect.ts';
import { type Envelope, type EventData, keyOf } from '../envelope.ts';
import type { JsonObject } from '../json.ts';
import type { AnyKind } from '../kind.ts';
import type { LiveTwin } from '../live-twin.ts';
import type { AlertRow, Delivery, IntentWrite, JournalRow } from '../rows.ts';
import { nextDue } from '../timers.ts';
import { birth, turn } from '../turn.ts';

const ALL_TO_TEST = { command: 'test', desired: 'test', retrain: 'test', notify: 'test' };

/**
 * One twin on a bench: given a kind, when events arrive and time passes, then read off what it did.
 * No storage, no shard: the same pure turns that the engine folds.
 *
 * ```ts
 * const bench = new TwinBench(relay);
 * bench.send({ type: 'telemetry', on: true });
 * bench.advance(60_000);
 * expect(bench.commands).toEqual([{ name: 'switch', args: { on: false } }]);
 * ```
 */
export class TwinBench {
  twin: LiveTwin;
  now: number;
  readonly journal: JournalRow[] = [];
  /** Everything emitted so far, with ids. */
  readonly effects: RecordedEffect[] = [];
  readonly deliveries: Delivery[] = [];
  readonly intents = new Map<string, IntentWrite>();
  readonly alerts = new Map<string, AlertRow>();
  /** Events told to other twins. */
  readonly told: { to: string; event: EventData }[] = [];
  #ids = 0;

  constructor(
    kind: AnyKind,
    given: {
      home?: string;
      twin?: string;
      timezone?: string;
      now?: number;
      room?: string;
      relations?: Record<string, string[]>;
    } = {},
  ) {
    this.now = given.now ?? Date.parse('2026-01-05T12:00:00Z');
    const { home = 'h1', twin = 't1', timezone = 'Europe/Berlin', room = null } = given;
    const envelope = this.#envelope({ type: 'twin.created' }, { home, twin, source: 'engine' });
    const born = birth(kind, envelope, { name: twin, room, timezone }, this.now, ALL_TO_TEST);
    this.twin = born.twin;
    this.#record(born);
    if (given.relations) this.twin = { ...this.twin, relations: given.relations };
  }

  get state() {
    return this.twin.state.value;
  }
  get reported(): JsonObject {
    return this.twin.view.reported;
  }
  get desired(): JsonObject {
    return this.twin.view.desired;
  }
  get settings(): JsonObject {
    return this.twin.view.settings;
  }
  /** Name and arguments of every command so far. */
  get commands(): { name: string; args: JsonObject }[] {
    return this.effects.flatMap((e) =>
      e.type === 'command' ? [{ name: e.name, args: e.args }] : [],
    );
  }
  /** Keys of the alerts that are not cleared. */
  get activeAlerts(): string[] {
    return Object.keys(this.twin.state.alerts);
  }

  /** Folds an event from outside, now or at the device's own time. @throws what the turn throws */
  send(event: EventData, options: { at?: number; id?: string; source?: string } = {}): TurnResult {
    return this.#fold(
      this.#envelope(event, {
        source: options.source ?? 'mqtt',
        at: options.at ?? this.now,
        undated: options.at === undefined,
        ...(options.id !== undefined && { id: options.id, dedupe: true }),
      }),
    );
  }

  /** The device acknowledges the latest command of this name. */
  ack(name: string, ok = true, error?: string): TurnResult {
    const intent = this.twin.state.pending.findLast((pending) => pending.name === name);
    if (!intent) throw new Error(`no open command "${name}"`);
    return this.send({ type: 'ack', intent: intent.id, ok, ...(error !== undefined && { error }) });
  }

  /** Lets time pass; every deadline on the way fires at its moment. */
  advance(ms: number): void {
    const end = this.now + ms;
    for (
      let due = nextDue(this.twin.state);
      due !== null && due <= end;
      due = nextDue(this.twin.state)
    ) {
      this.now = Math.max(this.now, due);
      this.wake();
    }
    this.now = end;
  }

  /** Moves the clock without firing anything, as if the process were down; then call {@link wake}. */
  sleep(ms: number): void {
    this.now += ms;
  }

  /** Fires what is due now. */
  wake(): void {
    for (;;) {
      const timer = this.twin.state.timers
        .filter(({ due }) => due <= this.now)
        .sort((a, b) => a.due - b.due)[0];
      const intent = this.twin.state.pending.find(({ expiresAt }) => expiresAt <= this.now);
      if (!timer && !intent) return;
      this.#fold(
        this.#envelope(
          timer
            ? { type: 'timer.fired', timer: timer.id, due: timer.due }
            : { type: 'intent.expired', intent: intent?.id ?? '' },
          { source: 'timer' },
        ),
      );
    }
  }

  #fold(envelope: Envelope): TurnResult {
    const result = turn(this.twin, envelope, this.now, ALL_TO_TEST);
    if ('twin' in result) this.#record(result);
    return result;
  }

  #record(turned: Turned): void {
    this.twin = turned.twin;
    this.journal.push(turned.journal);
    this.effects.push(...turned.journal.effects);
    this.deliveries.push(...turned.outbox.map(({ delivery }) => delivery));
    for (const intent of turned.intents) this.intents.set(intent.id, intent);
    for (const alert of turned.alerts) this.alerts.set(alert.id, alert);
    this.told.push(...turned.followUps.map(({ to, event }) => ({ to, event })));
  }

  #envelope(event: EventData, given: Partial<Envelope>): Envelope {
    const id = given.id ?? `e${++this.#ids}`;
    const address = this.twin
      ? { home: this.twin.home, twin: this.twin.twin }
      : { home: '', twin: '' };
    return {
      ...address,
      id,
      dedupe: false,
      event,
      at: this.now,
      source: 'engine',
      cause: null,
      correlation: id,
      principal: 'test',
      ifUnknown: 'reject',
      ...given,
    };
  }

  toString(): string {
    return `${keyOf(this.twin)}@${this.twin.revision}`;
  }
}
