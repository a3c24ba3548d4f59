import type { CaseStack } from './case-stack.ts';
import type { Random } from './random.ts';

export type Store = 'sqlite' | 'postgres';
export type Broker = 'mosquitto' | 'embedded';

/** What a scenario stands on. */
export interface Ground {
  store: Store;
  broker: Broker;
  /** A server on which databases may be made, for scenarios that leave the server itself alone. */
  postgresUrl: string;
  /** How much time a scenario may take: `short` is for `npm test`. */
  size: 'short' | 'full';
  /** Positions of the log that a reader is made to fall behind. Default: as the size has it. */
  behind?: number | undefined;
  /** Ends with the scenario, or when it is broken off: what it starts goes in here. */
  stack: CaseStack;
}

/** Figures of a run, printed and recorded. */
export type Report = Record<string, number>;

/** One way to break Homeostat, and how to see that it was not broken. */
export interface Scenario {
  name: string;
  stores: readonly Store[];
  brokers: readonly Broker[];
  /** Why it cannot run here; null when it can. */
  missing?: (ground: Pick<Ground, 'store'>) => string | null;
  /** @throws Error when a promise was broken */
  run(ground: Ground, random: Random): Promise<Report>;
}

export const BOTH_STORES = ['sqlite', 'postgres'] as const;
export const BOTH_BROKERS = ['mosquitto', 'embedded'] as const;
