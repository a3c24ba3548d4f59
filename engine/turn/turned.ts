import type { EventData } from '../model/envelope.ts';
import type { Claim, Overruling } from '../model/lease.ts';
import type {
  AlertRow,
  Delivery,
  DeliveryRow,
  IntentWrite,
  LogRow,
  RollupRow,
} from '../model/rows.ts';
import type { Sender } from '../model/senders.ts';
import type { LiveTwin } from './live-twin.ts';

/** Which sink takes an effect; undefined: none does. */
export type Destinations = Partial<Record<Delivery['type'], string>>;

/** An event that a turn leads to, for a twin of the same home, in the same commit. */
export interface FollowUp {
  to: string;
  id: string;
  event: EventData;
  source: string;
  sender: Sender;
  claim?: Claim;
}

/** A turn that happened: the twin's next revision and its rows. */
export interface Turned {
  /** `late`: journaled, but too old to be folded. */
  status: 'accepted' | 'late';
  twin: LiveTwin;
  /** Its commit gives it its place in the log. */
  journal: LogRow;
  intents: IntentWrite[];
  alerts: AlertRow[];
  deliveries: DeliveryRow[];
  /** Deliveries that this turn has made pointless. */
  withdrawn: string[];
  rollups: RollupRow[];
  followUps: FollowUp[];
  /** What the sender wanted and does not get, as somebody else holds it. */
  overruled: Overruling[];
  /** The timer that fired, or that its lateness policy let pass. */
  timer?: { id: string; lateMs: number; fired: boolean };
}

export type TurnResult = Turned | { status: 'duplicate' } | { status: 'ignored'; reason: string };
