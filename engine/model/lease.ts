import type { Json } from './json.ts';

/** The weight with which something is desired. */
export interface Claim {
  /** 0 (least) to 100. */
  priority: number;
  /** How long others are to keep off, ms; absent: not at all. */
  holdMs?: number;
}

export interface Lease {
  /** `home/twin`, or the principal. */
  holder: string;
  priority: number;
  /** Epoch ms. */
  until: number;
  /** What it wants of the key; null: nothing. */
  value: Json;
  /** What was set for good: for the same occasion nobody weaker changes it, and nothing is kept beneath. */
  final?: true;
}

/** For each key of `desired` at least one lease, the strongest first, and the value without them. */
export type Leases = Record<string, { base: Json; leases: Lease[] }>;

/** What is wanted and does not count, or not any more. */
export interface Overruling {
  keys: string[];
  /** The holder. */
  by: string;
  /** When it ends, epoch ms; null: never. */
  until: number | null;
}
