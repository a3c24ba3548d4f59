import type { StateValue } from 'xstate';
import type { AnyKind } from '../kind.ts';
import type { RecordedEffect } from '../model/effect.ts';
import type { EventData } from '../model/envelope.ts';
import type { Facts } from '../model/facts.ts';
import type { JsonObject } from '../model/json.ts';
import type { AlertRow, Delivery, IntentWrite, JournalRow } from '../model/rows.ts';
import type { LiveTwin } from '../turn/live-twin.ts';
import { SoloTwin } from '../turn/solo-twin.ts';
import type { Turned, TurnResult } from '../turn/turned.ts';

/**
 * One twin on a bench: given a kind, when events arrive and time passes, then read off what it did.
 * No storage, no shard: the same pure turns that the engine folds. Its clock moves only when told to, so
 * nothing waits; every time is epoch ms, every span ms.
 *
 * ```ts
 * const bench = new TwinBench(relay);
 * bench.send({ type: 'telemetry', on: true });
 * bench.advance(60_000);
 * expect(bench.commands).toEqual([{ name: 'switch', args: { on: false } }]);
 * ```
 */
export class TwinBench {
  /** One row a turn: the event, the state value after it, what it asked for. The first is the birth. */
  readonly journal: JournalRow[] = [];
  /** Everything emitted so far, with ids. */
  readonly effects: RecordedEffect[] = [];
  /** What would leave the house: commands, desired states, notifications. */
  readonly deliveries: Delivery[] = [];
  /** Commands by id, each as it is now: `status` says what became of it. */
  readonly intents = new Map<string, IntentWrite>();
  /** Alerts by id, each as it is now, cleared ones too. */
  readonly alerts = new Map<string, AlertRow>();
  /** Events told to other twins. */
  readonly told: { to: string; event: EventData }[] = [];
  readonly #solo: SoloTwin;

  /**
   * A twin that has just been made.
   * @param given `home` (`h1`), `twin` (`t1`), `timezone` (IANA, `Europe/Berlin`), `now` (epoch ms, a Monday noon
   *   in January 2026), `room` (none), and who stands in which relation to it (`{ members: ['a'] }`)
   * @throws EngineError `machine-failed` for a machine that cannot begin
   */
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
    const now = given.now ?? Date.parse('2026-01-05T12:00:00Z');
    const { home = 'h1', twin = 't1', timezone = 'Europe/Berlin', room = null } = given;
    this.#solo = new SoloTwin(kind, { home, twin, timezone, now, room }, (turned) =>
      this.#record(turned),
    );
    if (given.relations) this.twin = { ...this.twin, relations: given.relations };
  }

  get twin(): LiveTwin {
    return this.#solo.twin;
  }
  set twin(twin: LiveTwin) {
    this.#solo.twin = twin;
  }
  /** Epoch ms. */
  get now(): number {
    return this.#solo.now;
  }
  /** The machine's state value: a name, or names by region. */
  get state(): StateValue {
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

  /**
   * Folds an event from outside.
   * @param options `at`: when it happened by the device's clock (epoch ms), default now; `id`: one that has been
   *   seen makes it a duplicate; `source`: `home/twin` for what another twin tells; `facts`: what the kind `reads`
   * @throws EngineError `unknown-event`, `bad-input` for what its schema refuses, `machine-failed`
   */
  send(
    event: EventData,
    options: { at?: number; id?: string; source?: string; facts?: Facts } = {},
  ): TurnResult {
    return this.#solo.send(event, options);
  }

  /** The device acknowledges the latest command of this name. @throws Error where none is open */
  ack(name: string, ok = true, error?: string): TurnResult {
    const intent = this.twin.state.pending.findLast((pending) => pending.name === name);
    if (!intent) throw new Error(`no open command "${name}"`);
    return this.send({ type: 'ack', intent: intent.id, ok, ...(error !== undefined && { error }) });
  }

  /** Lets time pass; every deadline on the way fires at its moment. */
  advance(ms: number): void {
    this.#solo.advanceTo(this.now + ms);
  }

  /** Moves the clock without firing anything, as if the process were down; then call {@link wake}. */
  sleep(ms: number): void {
    this.#solo.now += ms;
  }

  /** Fires what is due now. */
  wake(): void {
    this.#solo.wake();
  }

  #record(turned: Turned): void {
    this.journal.push(turned.journal);
    this.effects.push(...turned.journal.effects);
    this.deliveries.push(...turned.deliveries.map(({ delivery }) => delivery));
    for (const intent of turned.intents) this.intents.set(intent.id, intent);
    for (const alert of turned.alerts) this.alerts.set(alert.id, alert);
    this.told.push(...turned.followUps.map(({ to, event }) => ({ to, event })));
  }

  toString(): string {
    return this.#solo.toString();
  }
}
