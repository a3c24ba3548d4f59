import type { FleetShape } from './fleet.ts';

/** What the bench tells a load generator, one after another; each is answered by one {@link Answer}. */
export type Order =
  | { type: 'connect'; url: string; connections: number; fleet: FleetShape }
  /** Every device reports once, so that its twin exists; answered when the broker has taken all. */
  | { type: 'introduce'; who: 'all' | 'markers' }
  | { type: 'run'; load: Load; seconds: number; warmUpSeconds: number };

export type Load =
  /** Each device reports, waits for its command, and reports again. */
  | { type: 'answered' }
  /** Devices report in turn at this rate, answered or not. */
  | { type: 'paced'; perSecond: number }
  /**
   * As fast as the receiver follows. Nobody answers a sensor, so that every `spacing`-th report is one of
   * a thermostat's, which is answered; what is under way is bounded by their number.
   */
  | { type: 'marked'; spacing: number; part?: Part };

/** Which devices of a fleet report, where not all do. */
export interface Part {
  first: number;
  count: number;
}

export interface Result {
  /** Events whose answer has come (or, of sensors, that lie before one) after the warm-up, per second. */
  perSecond: number;
  sent: number;
  answered: number;
  /** From the moment an event is sent, or should have been, to its answer, ms; empty without answers. */
  latency: { p50: number; p99: number; max: number };
  /** Answers, with those of the warm-up. */
  answeredInAll: number;
  /** Reports that got no command of their own, since a later one of the same device came first. */
  superseded: number;
}
