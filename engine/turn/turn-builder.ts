/**
 * The next revision of a twin in the making: what a turn has gathered so far. The functions beside it (`feed.ts`, `effects.ts`, `commands.ts`,
 * `wishes.ts`, `alerts.ts`, `samples.ts`) add to it, `finish.ts` reads the rows off. Nothing of the former revision is ever
 * changed; a turn that throws leaves no trace.
 */
import type { Snapshot } from '../kernel/kernel.ts';
import type { RecordedEffect } from '../model/effect.ts';
import type { Address, Envelope, EventData } from '../model/envelope.ts';
import type { Overruling } from '../model/lease.ts';
import type { AlertRow, IntentWrite, RollupRow } from '../model/rows.ts';
import { effectId } from '../model/turn-ids.ts';
import type { TwinState } from '../model/twin-state.ts';
import type { LiveTwin } from './live-twin.ts';
import type { Destinations, FollowUp } from './turned.ts';

export class TurnBuilder {
  readonly before: LiveTwin;
  readonly envelope: Envelope;
  /** The turn's own time, epoch ms. */
  readonly now: number;
  readonly destinations: Destinations;
  readonly revision: number;
  readonly address: Address;

  readonly state: TwinState;
  snapshot: Snapshot;
  name: string;
  room: string | null;

  readonly effects: RecordedEffect[] = [];
  readonly intents = new Map<string, IntentWrite>();
  readonly alerts = new Map<string, AlertRow>();
  /** Deliveries that the turn has made pointless. */
  readonly withdrawn: string[] = [];
  readonly rollups: RollupRow[] = [];
  readonly followUps: FollowUp[] = [];
  readonly overruled: Overruling[] = [];
  /** What has become of the twin's commands, for its machine to hear at the end of the turn. */
  readonly outcomes: EventData[] = [];

  constructor(before: LiveTwin, envelope: Envelope, now: number, destinations: Destinations) {
    this.before = before;
    this.envelope = envelope;
    this.now = now;
    this.destinations = destinations;
    this.revision = before.revision + 1;
    this.address = { home: before.home, twin: before.twin };
    this.state = { ...before.state };
    this.snapshot = before.snapshot;
    this.name = before.name;
    this.room = before.room;
  }

  /** The id of the turn's n-th effect. */
  effectId(n: number): string {
    return effectId(this.address, this.revision, this.before.life, n);
  }

  /** An event for another twin of the home that the engine, not the machine, has to say. */
  followUp(to: string, event: EventData): void {
    const id = `${this.effectId(this.followUps.length)}:${event.type}`;
    this.followUps.push({ to, id, event, source: 'engine', sender: 'engine' });
  }
}
