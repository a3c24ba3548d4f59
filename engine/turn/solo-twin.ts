import { type Envelope, type EventData, keyOf } from '../model/envelope.ts';
import { EngineError } from '../model/errors.ts';
import type { Facts } from '../model/facts.ts';
import type { AnyKind } from '../model/kind.ts';
import type { Claim } from '../model/lease.ts';
import { sendersOf } from '../model/vocabulary.ts';
import { dueEvent } from './deadlines.ts';
import type { LiveTwin } from './live-twin.ts';
import { nextDue } from './timers.ts';
import { birth, turn } from './turn.ts';
import type { Turned, TurnResult } from './turned.ts';

const ALL_TO_TRIAL = { command: 'trial', desired: 'trial', retrain: 'trial', notify: 'trial' };

/**
 * One twin by itself: no storage, no shard, no clock but the one that its owner moves. It has the same pure
 * turns that the engine folds, so what it does here it does there.
 */
export class SoloTwin {
  twin: LiveTwin;
  /** Epoch ms. */
  now: number;
  /** What the kind reads of other twins, gathered at each turn. */
  facts: (() => Facts) | null = null;
  readonly #onTurn: (turned: Turned) => void;
  #ids = 0;

  constructor(
    kind: AnyKind,
    given: { home: string; twin: string; timezone: string; now: number; room: string | null },
    onTurn: (turned: Turned) => void = () => {},
  ) {
    this.now = given.now;
    this.#onTurn = onTurn;
    const { home, twin, timezone, room } = given;
    const envelope = this.#envelope({ type: 'twin.created' }, { home, twin, source: 'engine' });
    const born = birth(
      kind,
      envelope,
      { name: twin, room, timezone, incarnation: '', epoch: 0 },
      this.now,
      ALL_TO_TRIAL,
    );
    this.twin = born.twin;
    onTurn(born);
  }

  /** Folds an event, now or at the device's own time. @throws what the turn throws */
  send(
    event: EventData,
    options: { at?: number; id?: string; source?: string; facts?: Facts; claim?: Claim } = {},
  ): TurnResult {
    const { facts, claim } = options;
    const { kindOf } = this.twin;
    if (sendersOf(kindOf, event.type).length === 0) {
      throw new EngineError(
        'unknown-event',
        `nobody sends "${event.type}" to a ${kindOf.kind}: the machine makes it itself`,
      );
    }
    return this.#fold(
      this.#envelope(event, {
        source: options.source ?? 'mqtt',
        at: options.at ?? this.now,
        undated: options.at === undefined,
        ...(options.id !== undefined && { id: options.id, dedupe: true }),
        ...(facts && { facts }),
        ...(claim && { claim }),
      }),
    );
  }

  /** Lets time pass up to a moment; every deadline on the way fires at its own. */
  advanceTo(end: number): void {
    while (this.advanceToDue(end)) {}
  }

  /** Lets time pass up to the next deadline, which fires, or else to the moment. @returns whether one fired */
  advanceToDue(end: number): boolean {
    const due = nextDue(this.twin.state);
    const isDue = due !== null && due <= end;
    this.now = Math.max(this.now, isDue ? due : end);
    if (isDue) this.wake();
    return isDue;
  }

  /** Fires what is due now. */
  wake(): void {
    for (;;) {
      const event = dueEvent(this.twin, this.now);
      if (!event) return;
      this.#fold(this.#envelope(event, { source: 'timer' }));
    }
  }

  #fold(given: Envelope): TurnResult {
    const facts = given.facts ?? this.facts?.();
    const envelope = facts ? { ...given, facts } : given;
    const result = turn(this.twin, envelope, this.now, ALL_TO_TRIAL);
    if (!('twin' in result)) return result;
    this.twin = result.twin;
    this.#onTurn(result);
    return result;
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
      sender: 'engine',
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
