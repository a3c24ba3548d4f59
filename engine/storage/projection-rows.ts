/** What projections read and write. */
import type { Address } from '../model/envelope.ts';
import type { Json } from '../model/json.ts';
import type { ProjectedKey } from '../model/rows.ts';

/** The owner of a row of a projection: a twin, or a home (`twin` empty). */
export interface Owner extends Address {
  incarnation: string;
}

/** What turns have come to in the rows of a generation. */
export interface ProjectionStep {
  epoch: number;
  name: string;
  generation: number;
  /** The cursor before it. */
  from: number;
  /** The cursor after it. */
  to: number;
  /** Each row at most once. `value` null: it goes. `incarnation`: of its owner. */
  puts: readonly (ProjectedKey & { value: Json | null; incarnation: string })[];
  /** The first turn of the step, for a generation that has applied none; null: the step has none. */
  first: { start: number; since: number } | null;
  /** When its last turn was received; null: it has none. */
  appliedAt: number | null;
  /** How many turns were left out, and why the last of them was. */
  skipped: number;
  error: string | null;
}

export interface ProjectedQuery {
  name: string;
  home: string;
  twin: string | null;
  from: string;
  to: string;
  after: { twin: string; key: string } | null;
}
