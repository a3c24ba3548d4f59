import type { Databases } from './databases.ts';
import type { Progress } from './progress.ts';

/** One line of the table. */
export interface Figure {
  what: string;
  value: number;
  /** `/s`, `ms`, `s`, `MB`, `KB`; `×` for a ratio of two figures of one run. */
  unit: string;
  /** What it was to reach; absent: it is only told. */
  target?: { atLeast: number } | { atMost: number };
  /** The value of each round, of which `value` is the median. */
  rounds?: number[];
}

export interface Measurement {
  name: string;
  /** A sentence for the head of its table. */
  title: string;
  run(setting: Setting): Promise<Figure[]>;
}

export interface Setting {
  databases: Databases;
  progress: Progress;
  rounds: number;
  /** A short run that shows that all works; its figures mean little. */
  quick: boolean;
  /** A part of the names of those engines that take part. */
  against: string;
  /** Another checkout, whose engines take part beside ours; null: none. */
  former: URL | null;
  /** A folder for CPU profiles of the engines, a file a run; null: none. */
  profiles: string | null;
}

export function isMet({ value, target }: Figure): boolean | null {
  if (!target) return null;
  return 'atLeast' in target ? value >= target.atLeast : value <= target.atMost;
}
